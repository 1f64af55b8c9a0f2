"""What a person sees while a run goes on: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.printable import printable, printable_lines
from dcanas.cli.interrupt import Interrupts
from dcanas.report.amounts import duration

PLAIN_SECONDS, VERBOSE_SECONDS = 60.0, 5.0  # between two lines of a long stage without a terminal


class Terminal(Hooks):
    """The hooks of a command line: `stage` yields a copy whose bar or lines show the progress of that stage.

    Args:
        mode: auto, bars, plain or none; auto: bars on a terminal, plain lines elsewhere.
        level: quiet shows only what the work was done for, verbose also details.
    """

    def __init__(self, mode: str = "auto", level: str = "normal"):
        self.level = level
        self.console = make_console()
        self.interrupts = Interrupts()
        terminal = self.console.is_terminal and not os.environ.get("CI")
        self.mode = ("bars" if terminal else "plain") if mode == "auto" else mode
        self._title = ""
        self._bars: Progress | None = None
        self._shown = self._total = 0.0
        self._first: tuple[float, float] | None = None  # what was done when this process, or this part, began, and when

    def message(self, text: str) -> None:
        if self.level != "quiet":
            self.result(text)

    def result(self, text: str) -> None:
        if self.mode != "none":
            self.console.print(printable_lines(text), markup=False, highlight=False, emoji=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; columns after the first are aligned as numbers if they look like numbers."""
        if self.mode == "none" or self.level == "quiet":
            return
        table = Table(title=plain(title), title_justify="left")
        for i, column in enumerate(columns):
            numeric = i > 0 and all(r[i][:1].isdigit() or r[i] == "–" for r in rows)
            table.add_column(plain(column), justify="right" if numeric else "left", no_wrap=not i)
        for row in rows:
            table.add_row(*map(plain, row))
        self.console.print(table)

    @property
    def details(self) -> Hooks:
        return self if self.level == "verbose" else QUIET

    @contextmanager
    def stage(self, title: str, stoppable: bool = False) -> Iterator[Hooks]:
        """Show a stage with a bar (or lines) and the seconds that it took."""
        from dcanas.hardware.transport.progress import report_to  # measurements report through a context variable

        stage, start = copy(self), time.monotonic()
        stage._title, stage._shown, stage._first = title, start, None
        if self.mode == "bars" and self.level != "quiet":
            stage._bars = Progress(SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
                                   TextColumn("{task.fields[count]}"), TimeElapsedColumn(),
                                   TextColumn("{task.fields[left]}"), console=self.console, transient=True)
            stage._bars.add_task(printable(title), total=None, count="", left="")
        elif self.mode == "plain":
            self.details.message(f"{title} ...")
        with stage._bars or nullcontext(), self.interrupts.between_steps() if stoppable else nullcontext(), \
                report_to(stage):
            yield stage
        self.message(f"{title}: {duration(time.monotonic() - start)}")

    def should_stop(self) -> bool:
        return self.interrupts.asked

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Show what is done, with rate and time left (counted from what this process has done)."""
        now = time.monotonic()
        if self._first is None or total != self._total or done < self._first[0]:  # another part of the stage
            self._first, self._total = (done, now), total
        gained, seconds = done - self._first[0], now - self._first[1]
        left = ""
        if done < total and gained > 0 and seconds > 0:
            rate = gained / seconds
            per = f"{rate:.3g} per s" if rate >= 1 else f"{60 * rate:.3g} per min"
            left = f"{per}, {duration((total - done) / rate)} left"
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[0], completed=done, total=total, count=f"{int(done)} of {int(total)}",
                              description=printable(f"{self._title} {note}").strip(), left=left)
        elif self._title and now - self._shown > (VERBOSE_SECONDS if self.level == "verbose" else PLAIN_SECONDS):
            self._shown = now
            line = ", ".join(part for part in (f"{int(done)} of {int(total)}", note, left) if part)
            self.message(f"  {self._title}: {line}")


def plain(cell: str) -> Text:
    """Return a cell of a table that shows its text as it is, without markup."""
    return Text(printable(cell))


def make_console() -> Console:
    """Return a console that fits the terminal, or does not break lines without one."""
    return Console() if sys.stdout.isatty() else Console(soft_wrap=True, width=240)
