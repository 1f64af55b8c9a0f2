"""What a person sees while a run goes on: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from dcanas.basics.hooks import Hooks
from dcanas.cli.interrupt import Interrupts

PLAIN_SECONDS = 5.0  # between two lines of a long stage without a terminal


class Terminal(Hooks):
    """The hooks of a command line; `mode` is auto, bars, plain or none."""

    def __init__(self, mode: str = "auto"):
        self.console = make_console()
        self.interrupts = Interrupts()
        terminal = self.console.is_terminal and not os.environ.get("CI")
        self.mode = ("bars" if terminal else "plain") if mode == "auto" else mode

    def message(self, text: str) -> None:
        if self.mode != "none":
            self.console.print(text, markup=False, highlight=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; columns after the first are aligned as numbers if they look like numbers."""
        if self.mode == "none":
            return
        table = Table(title=title, title_justify="left")
        for i, column in enumerate(columns):
            numeric = i > 0 and all(r[i][:1].isdigit() or r[i] == "–" for r in rows)
            table.add_column(column, justify="right" if numeric else "left", no_wrap=not i)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    @contextmanager
    def stage(self, title: str, stoppable: bool = False) -> Iterator[Hooks]:
        """Show a stage with a bar (or lines) and the seconds that it took."""
        from dcanas.hardware.transport.progress import report_to  # measurements report through a context variable

        start = time.monotonic()
        with self._bars() as bars, self.interrupts.between_steps() if stoppable else nullcontext():
            if self.mode == "plain":
                self.message(f"{title} ...")
            stage = _Stage(self, title, bars)
            with report_to(stage):
                yield stage
        self.message(f"{title}: {time.monotonic() - start:.1f} s")

    def should_stop(self) -> bool:
        return self.interrupts.asked

    @contextmanager
    def _bars(self) -> Iterator[Progress | None]:
        if self.mode != "bars":
            yield None
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"),
                   TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
        with Progress(*columns, console=self.console, transient=True) as bars:
            yield bars


class _Stage(Hooks):
    """The hooks of one stage."""

    def __init__(self, terminal: Terminal, title: str, bars: Progress | None):
        self._terminal, self._title, self._bars = terminal, title, bars
        self._task = bars.add_task(title, total=None, count="", left="") if bars else None
        self._shown = time.monotonic()
        self._first: tuple[float, float] | None = None  # what was done when this process, or this part, began, and when
        self._total = 0.0

    def message(self, text: str) -> None:
        self._terminal.message(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._terminal.table(title, columns, rows)

    def should_stop(self) -> bool:
        return self._terminal.should_stop()

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Show what is done, with rate and time left (counted from what this process has done)."""
        now = time.monotonic()
        if self._first is None or total != self._total or done < self._first[0]:  # another part of the stage
            self._first, self._total = (done, now), total
        gained, seconds = done - self._first[0], now - self._first[1]
        left = ""
        if done < total and gained > 0 and seconds > 0:
            left = f"{_rate(gained / seconds)}, {duration((total - done) * seconds / gained)} left"
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=total, description=f"{self._title} {note}".strip(),
                              count=f"{int(done)} of {int(total)}", left=left)
        elif now - self._shown > PLAIN_SECONDS or done == total:
            self._shown = now
            line = ", ".join(part for part in (f"{int(done)} of {int(total)}", note, left) if part)
            self.message(f"  {self._title}: {line}")


def _rate(per_second: float) -> str:
    return f"{per_second:.3g} per s" if per_second >= 1 else f"{60 * per_second:.3g} per min"


def duration(seconds: float) -> str:
    """Return a time as people say it: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def make_console() -> Console:
    """Return a console that fits the terminal, or does not break lines without one."""
    return Console() if sys.stdout.isatty() else Console(soft_wrap=True, width=240)
