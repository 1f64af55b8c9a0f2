"""Progress of a call as plain lines on the error output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.printable import printable_lines
from dcanas.hardware.transport.progress import report_to

SECONDS = 5.0  # between two lines of a long stage


class Lines(Hooks):
    """Hooks that print messages and tables, the progress of a stage every few seconds, and its duration."""

    def __init__(self) -> None:
        self._printed = 0.0

    def message(self, text: str) -> None:
        print(printable_lines(text), file=sys.stderr, flush=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = [list(columns), *map(list, rows)]
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
        self.message(title)
        for line in lines:
            cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
            self.message(f"  {'  '.join(cells)}".rstrip())

    @property
    def details(self) -> Hooks:
        return QUIET

    @contextmanager
    def stage(self, title: str, stoppable: bool = False) -> Iterator[Hooks]:
        self.message(f"{title} ...")
        start = self._printed = time.monotonic()
        with report_to(self):  # measurements report through a context variable
            yield self
        self.message(f"{title}: {time.monotonic() - start:.1f} s")

    def progress(self, done: float, total: float, note: str = "") -> None:
        if time.monotonic() - self._printed > SECONDS:
            self._printed = time.monotonic()
            self.message(f"  {int(done)} of {int(total)} {note}".rstrip())


def hooks_of(progress: bool | Hooks) -> Hooks:
    """Return the hooks that `progress` asks for: none, lines, or the caller's own."""
    if isinstance(progress, Hooks):
        return progress
    return Lines() if progress else QUIET
