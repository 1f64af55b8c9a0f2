"""One task in a worker: its folder says what to do, and keeps what came out.

The coordinator and its workers share a folder, on one machine or on a file system that all machines see. It holds the
work (pickled by the coordinator, checked against the SHA-256 that each task brings), one file per result, and one per
task that was begun: locked as long as its worker lives, one byte longer with every attempt.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.file_locks import CLOSED_IN_CHILDREN, lock
from dcanas.basics.files import write_json
from dcanas.basics.hooks import Hooks
from dcanas.basics.machine import torch_state
from dcanas.basics.plugins import SETTING, load_plugins, loaded_plugins
from dcanas.basics.user_files import load_user_file, loaded_files

Work = Callable[[Any, Hooks, str], Any]  # item, hooks, device of torch -> JSON types
PAYLOAD, FILES, STOP, BEGUN, RESULTS, GPUS = "work.joblib", "files.json", "stop", "begun", "results", "gpus"
ATTEMPTS = 3  # of one task; after that it may be what ends its workers
_kept: dict[str, Work] = {}  # the last work of this process, by its hash


@dataclass(frozen=True)
class Call:
    """A task for a worker.

    Attributes:
        folder: shared with the coordinator.
        number: of the task, unique in the folder.
        item: what the work is called with.
        sha256: of the pickled work.
        threads: see `Engine`.
        gpus: that the worker sees, of which the task gets one to itself; 0: it runs on the CPU.
    """

    folder: str
    number: int
    item: Any
    sha256: str
    threads: int
    gpus: int


@dataclass
class Remote(Hooks):
    """Hooks in a worker: messages travel with the result, and a file asks to stop."""

    folder: Path
    messages: list[str] = field(default_factory=list)

    def message(self, text: str) -> None:
        self.messages.append(text)

    def should_stop(self) -> bool:
        return (self.folder / STOP).exists()


def write_work(folder: Path, work: Work) -> str:
    """Store what workers need and return its SHA-256; large arrays are mapped into memory, once for all workers."""
    for name in (BEGUN, RESULTS, GPUS):
        (folder / name).mkdir(parents=True)
    write_json(folder / FILES, {"files": [list(file) for file in loaded_files() if file[1] != SETTING],
                                "plugins": [plugin.typed for plugin in loaded_plugins()]})
    joblib.dump(work, folder / PAYLOAD)
    return _hash(folder / PAYLOAD)


def perform(call: Call) -> dict[str, Any]:
    """Do a task, unless it is done, and return what came out.

    Returns:
        `result` and `messages`; or `error`, a sentence; or `stopped`, one; or `lost`, the workers that it has ended.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator handles Ctrl-C
    folder = Path(call.folder)
    done = folder / RESULTS / f"{call.number}.json"
    with _begun(folder / BEGUN / str(call.number)) as attempts:
        if done.exists():
            found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
            return found
        if attempts > ATTEMPTS:
            return {"lost": attempts - 1}
        outcome = _outcome(call, folder)
        if "result" in outcome:
            text = json.dumps(outcome)
            partly = done.with_suffix(".part")
            partly.write_text(text, encoding="utf-8")
            partly.replace(done)
        return outcome


def attempts_of(folder: Path, number: int) -> int:
    """Return how many workers have begun a task."""
    path = folder / BEGUN / str(number)
    return path.stat().st_size if path.exists() else 0


def _outcome(call: Call, folder: Path) -> dict[str, Any]:
    hooks = Remote(folder)
    try:
        if hooks.should_stop():
            raise Stopped("stopped before it began")
        work = _work(folder, call.sha256)
        with torch_state(call.threads), _device(folder, call.gpus) as device:
            return {"result": work(call.item, hooks, device), "messages": hooks.messages}
    except Stopped as stopped:
        return {"stopped": str(stopped)}
    except UserError as error:
        return {"error": str(error)}


def _work(folder: Path, sha256: str) -> Work:
    """Return the work of a folder, which this process reads once."""
    if sha256 not in _kept:
        if _hash(folder / PAYLOAD) != sha256:
            raise UserError(f"{folder / PAYLOAD} is not what the run wrote; start the run again.")
        named = json.loads((folder / FILES).read_text(encoding="utf-8"))
        for file in named["files"]:
            load_user_file(*file)
        load_plugins(named["plugins"])
        _kept.clear()
        _kept[sha256] = joblib.load(folder / PAYLOAD, mmap_mode="c")
    return _kept[sha256]


@contextmanager
def _begun(path: Path) -> Iterator[int]:
    """Hold a task as the only one that works on it, and yield the number of this attempt; a stop does not count."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | CLOSED_IN_CHILDREN, 0o600)
    try:
        with suppress(OSError):  # a file system without locks
            lock(descriptor, wait=True)
        os.write(descriptor, b".")
        attempts = os.fstat(descriptor).st_size
        yield attempts
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextmanager
def _device(folder: Path, gpus: int) -> Iterator[str]:
    """Yield a device of torch that no other task of this machine has meanwhile; it waits for a GPU to become free."""
    if gpus == 0:
        yield "cpu"
        return
    place = f"{platform.node()}-{os.environ.get('CUDA_VISIBLE_DEVICES', '')}"  # torch numbers those that are visible
    held = None
    for number in range(gpus):
        descriptor = os.open(folder / GPUS / f"{place}-{number}", os.O_RDWR | os.O_CREAT | CLOSED_IN_CHILDREN, 0o600)
        last = number + 1 == gpus
        try:
            lock(descriptor, wait=last)
            held = descriptor
            break
        except BlockingIOError:
            os.close(descriptor)
    assert held is not None
    try:
        yield f"cuda:{number}"
    finally:
        os.close(held)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
