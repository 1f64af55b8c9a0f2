"""Ctrl-C, SIGTERM and SIGHUP: the first one asks the work to stop after its current step, the second stops at once."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from dcanas.basics.errors import Stopped

HANG_UP = getattr(signal, "SIGHUP", None)  # which Windows does not have
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([HANG_UP] if HANG_UP else []))
Handler = Callable[[int, FrameType | None], None]


@dataclass
class Interrupts:
    """Whether the user asked to stop."""

    asked: bool = False

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """Enclose work that checks `asked` between its steps: the first signal only sets it.

        Raises:
            Stopped: at the end, if the work had no step left at which to stop.
            KeyboardInterrupt: at the second signal.
        """

        def ask(number: int, frame: FrameType | None) -> None:
            _leave_terminal(number)
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True
            with suppress(OSError):  # the terminal may be gone
                print("\nStopping after this step (Ctrl-C again: at once) ...", file=sys.stderr)

        with handled(ask):
            yield
        if self.asked:
            raise Stopped("stopped after the last step")


@contextmanager
def handled(handler: Handler) -> Iterator[None]:
    """Enclose work whose signals go to a handler; one that is ignored (nohup, background) stays ignored."""
    before = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(ValueError):  # not the main thread: nothing to catch
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Stop at once, as Ctrl-C does outside of steps."""
    _leave_terminal(number)
    raise KeyboardInterrupt


def _leave_terminal(number: int) -> None:
    """After a hang-up nothing can be printed to the terminal any more: let what is printed go nowhere."""
    if number != HANG_UP:
        return
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for output in (1, 2):
            with suppress(OSError):
                if stat.S_ISCHR(os.fstat(output).st_mode):
                    os.dup2(nowhere, output)
        os.close(nowhere)
