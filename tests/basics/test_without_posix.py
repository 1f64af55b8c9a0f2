"""What Windows lacks is not needed to import the command line, to write files and to hold a folder.

There is no Windows here: a process takes away what it lacks, and refuses what it refuses.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

WINDOWS = """
import joblib, multiprocessing.shared_memory, numpy, onnxruntime, optuna, scipy.optimize, sklearn.cluster, torch
import torchvision
import torch.utils.tensorboard, torch.distributed
import os, signal, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in ((os, ("getuid", "geteuid", "uname", "statvfs", "getloadavg", "pread", "pwrite", "O_CLOEXEC",
                            "O_NOFOLLOW", "sysconf", "killpg", "setsid", "sched_getaffinity")),
                      (signal, ("SIGHUP", "SIGKILL", "SIGUSR1"))):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
plain = os.open
def refusing(path, *more, **options):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return plain(path, *more, **options)
os.open = refusing
"""
WORK = """
from pathlib import Path
from dcanas.basics import files
files.FOLDERS_OPEN = False
files.write_json(Path(sys.argv[1]) / "a.json", {"a": 1})
import dcanas.cli.main, dcanas.cli.interrupt, dcanas.cli.doctor, dcanas.pipeline.run, dcanas.basics.fan_out.task
from dcanas.basics.folder_lock import lock_folder
import dcanas.search.gradient.step_memory
said = []
sys.platform = "linux"
try:
    lock_folder(Path(sys.argv[1]), said.append)
except ModuleNotFoundError as error:
    assert error.name == "fcntl", error
print(files.read_json(Path(sys.argv[1]) / "a.json"))
"""


@pytest.mark.slow
def test_a_process_without_them_imports_and_writes(tmp_path):
    done = subprocess.run([sys.executable, "-c", WINDOWS + WORK, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("{'a': 1}")


def test_the_lock_of_windows_is_taken_freed_and_told(tmp_path):
    """`msvcrt.locking` locks bytes from the current position; this stands in for it with a lock of the same bytes."""
    code = """
import errno, fcntl, os, sys, types
def locking(descriptor, mode, count):
    assert (mode, count) == (2, 1)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count)
    except OSError as error:
        raise OSError(errno.EACCES, "Permission denied") from error
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
sys.platform = "win32"
from dcanas.basics.file_locks import lock
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
try:
    lock(descriptor, wait=False)
    print("held", flush=True)
    sys.stdin.readline()
except BlockingIOError:
    print("taken")
"""
    first = subprocess.Popen([sys.executable, "-c", code, tmp_path / "lock"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "held\n"
    again = [sys.executable, "-c", code, tmp_path / "lock"]
    assert subprocess.run(again, capture_output=True, text=True, input="\n").stdout == "taken\n"
    first.communicate("\n")
    assert subprocess.run(again, capture_output=True, text=True, input="\n").stdout == "held\n"
