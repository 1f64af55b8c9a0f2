"""A process that keeps what it frees asks the kernel for fewer new pages."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from dcanas.basics.machine import keep_freed_memory, return_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(2):
    np.ones(2**24)
before = pages()
for _ in range(5):
    np.ones(2**24)  # 128 MiB: 32,768 pages of 4 KiB
print(pages() - before)
resident = lambda: int(open("/proc/self/statm").read().split()[1])
before = resident()
return_freed_memory()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have their own ways")
def test_tensors_that_come_and_go_need_no_new_pages():
    told = {how: [int(line) for line in subprocess.run([sys.executable, "-c", PROGRAM, how], check=True,
                                                       capture_output=True, text=True).stdout.split()]
            for how in ("keep", "leave")}
    assert told["keep"][0] < told["leave"][0] / 10
    assert told["keep"][1] > 20_000  # most of the 128 MiB goes back when asked
