"""Ctrl-C: the first one asks the work to stop after its current step, the second stops at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from dcanas.basics.errors import Stopped


@dataclass
class Interrupts:
    """Whether the user asked to stop."""

    asked: bool = False

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """Enclose work that checks `asked` between its steps: the first Ctrl-C only sets it.

        Raises:
            Stopped: at the end, if the work had no step left at which to stop.
            KeyboardInterrupt: at the second Ctrl-C.
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
