"""A program behind a serial port that is none."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import tty


@contextlib.contextmanager
def behind_a_pty(command):
    """Start a program whose standard input and output are a serial port; yield the port's name."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    name = os.ttyname(theirs)
    process = subprocess.Popen(command, stdin=ours, stdout=ours)
    try:
        yield name
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
