"""Ctrl-C: the first asks the work at hand to stop after its step, the second stops at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dcanas.basics.errors import Stopped


class Interrupts:
    """Remembers whether the user asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """While inside, the first Ctrl-C only sets `asked`; outside, Ctrl-C raises KeyboardInterrupt as usual.

        If no step was left at which to stop, `Stopped` is raised at the end.
        """

        def ask(signum: int, frame: FrameType | None) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True
            print("\nStopping after this step (Ctrl-C again: at once) ...", file=sys.stderr)

        try:
            before = signal.signal(signal.SIGINT, ask)
        except ValueError:  # not the main thread: nothing to catch
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
        if self.asked:
            raise Stopped("stopped after the last step")
