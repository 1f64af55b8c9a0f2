"""One writer per folder: a lock that is freed with its process, however that ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.file_locks import CLOSED_IN_CHILDREN, NO_LINK, lock
from dcanas.basics.printable import printable

NAME = ".writer"  # in the folder; empty while nobody writes


@dataclass
class FolderLock:
    """The right to write to a folder, held from `lock_folder` to `release`."""

    descriptor: int | None

    def release(self) -> None:
        """Give the right back."""
        if self.descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, 0)
            os.close(self.descriptor)  # which frees the lock
            self.descriptor = None


def lock_folder(folder: Path, say: Callable[[str], None]) -> FolderLock:
    """Return the right to write to a folder, which exists.

    Args:
        say: is told if the file system has no locks; the folder is written to without one then.

    Raises:
        UserError: another process writes to it; the message names host, process and since when.
    """
    path = folder / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | CLOSED_IN_CHILDREN | NO_LINK, 0o644)
    try:
        lock(descriptor, wait=False)
    except BlockingIOError as error:
        text = os.read(descriptor, 1000).decode("utf-8", "replace")
        os.close(descriptor)
        raise UserError(f"Another process writes to {folder} ({_who(text)}); wait for its end, stop it, or choose "
                        "another run.dir.") from error
    except OSError as error:
        os.close(descriptor)
        say(f"  The file system of {folder} has no locks ({error.strerror}): let no other run write to it meanwhile.")
        return FolderLock(None)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"host": socket.gethostname(), "process": os.getpid(),
                                     "since": time.strftime("%Y-%m-%d %H:%M:%S")}).encode())
    return FolderLock(descriptor)


def _who(text: str) -> str:
    try:
        writer = json.loads(text)
        return printable(f"process {writer['process']} on {writer['host']}, since {writer['since']}", 300)
    except (ValueError, KeyError, TypeError):
        return "which has just begun"
