"""A process that is spoken to over pipes; what counts is a line behind the token (see `stream`)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence

from dcanas.hardware.transport.stream import PeerError, Stream

END_S = 5.0  # for the process to end by itself


class Peer(Stream):
    """A started process; see `Stream`.

    Raises:
        FileNotFoundError: the command does not exist.
    """

    def __init__(self, command: Sequence[str], token: str, patience_s: float):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        into, out, err = (pipe.fileno() for pipe in (self.process.stdin, self.process.stdout, self.process.stderr)
                          if pipe is not None)
        super().__init__(into, out, err, token, patience_s)

    def close(self) -> int:
        """Let the process end, or kill it; return its exit code."""
        if self.process.stdout is None or self.process.stdout.closed:
            return self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.begin(END_S)
        with contextlib.suppress(PeerError):
            while self._open and time.monotonic() - self.began < END_S:
                self._turn(sending=False, wait_s=END_S)
        try:
            code = self.process.wait(timeout=max(0.1, self.began + END_S - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = self.kill()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def kill(self) -> int:
        """Kill the process and what it started here; return its exit code."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()
