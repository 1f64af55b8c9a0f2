"""What this process may use of the machine."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dcanas.basics.launcher import read_launch

_GLIBC = platform.libc_ver()[0] == "glibc"
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h


def usable_cores() -> int:
    """Return the number of cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_freed_memory() -> None:
    """Let this process keep what it frees: large tensors that come and go every step need no new pages then.

    With glibc only; by itself it maps anew every tensor of more than 32 MiB and hands it back, and the kernel has to
    clear each page again, which takes up to half of the time for images of 224 pixels (docs/results.md). Between two
    networks `return_freed_memory` keeps unused pieces from adding up.
    """
    if _GLIBC:
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Return free memory to the kernel (glibc only)."""
    if _GLIBC:
        ctypes.CDLL(None).malloc_trim(0)


def seed_torch(seed: int) -> None:
    """Seed torch's own generators, as its `manual_seed` does.

    That also notes the whole call stack for GPUs that are not in use, which takes as long as a small layer.
    """
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


@contextmanager
def torch_state(threads: int | None = None) -> Iterator[None]:
    """Enclose work that torch does with `threads` threads, reproducibly; afterwards its global state is that of before.

    Args:
        threads: inside an operation; None: all cores that this process may use, shared by the processes that a
            launcher started on this machine.
    """
    import torch

    settings: Any = torch.utils.deterministic
    before = (torch.get_num_threads(), torch.get_deterministic_debug_mode(), settings.fill_uninitialized_memory,
              torch.random.get_rng_state())
    torch.set_num_threads(threads or max(1, usable_cores() // read_launch().local_count))
    settings.fill_uninitialized_memory = False  # memory that was not written is never read, and filling it costs time
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would import a compiler for seconds
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        settings.fill_uninitialized_memory = before[2]
        torch.random.set_rng_state(before[3])
