"""Locks on open files, freed with their process however that ends; Windows has another call for them."""

from __future__ import annotations

import errno
import os
import sys
import time

CLOSED_IN_CHILDREN = getattr(os, "O_CLOEXEC", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
PLACE = 1 << 30  # of the byte that stands for the file on Windows, where a locked byte cannot be read
PAUSE_S = 0.1


def lock(descriptor: int, wait: bool) -> None:
    """Lock an open file for this process alone.

    Args:
        wait: until another process frees it.

    Raises:
        BlockingIOError: another process holds it, and `wait` is false.
        OSError: its file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        while True:
            os.lseek(descriptor, PLACE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EDEADLK):
                    raise
                if not wait:
                    raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK)) from error
                time.sleep(PAUSE_S)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
