"""What a person sees while a run goes on: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

PLAIN_SECONDS = 5.0  # between two lines of a long stage where there is no terminal


class Bar:
    """Progress of one stage."""

    def __init__(self, console: Console, text: str, bars: Progress | None, quiet: bool):
        self._console, self._text, self._bars, self._quiet = console, text, bars, quiet
        self._task = bars.add_task(text, total=None, count="", left="") if bars else None
        self._told = time.monotonic()
        self._first: tuple[float, float] | None = None  # what was done when this process, or this part, began, and when
        self._total = 0

    def update(self, done: float, total: int, note: str = "") -> None:
        """Show that `done` of `total` are done, with rate and time left (counted from what this process has done)."""
        now = time.monotonic()
        if self._first is None or total != self._total or done < self._first[0]:  # another part of the stage
            self._first, self._total = (done, now), total
        gained, seconds = done - self._first[0], now - self._first[1]
        left = ""
        if done < total and gained > 0 and seconds > 0:
            left = f"{_rate(gained / seconds)}, {duration((total - done) * seconds / gained)} left"
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=total, description=f"{self._text} {note}".strip(),
                              count=f"{int(done)} of {total}", left=left)
        elif not self._quiet and (now - self._told > PLAIN_SECONDS or done == total):
            self._told = now
            line = ", ".join(part for part in (f"{int(done)} of {total}", note, left) if part)
            self._console.print(f"  {self._text}: {line}", markup=False, highlight=False)


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
    """Return a console that fits the terminal, or does not break lines where there is none."""
    return Console() if sys.stdout.isatty() else Console(soft_wrap=True, width=240)


class Display:
    """Console of a run; `mode` is auto, bars, plain or none."""

    def __init__(self, mode: str = "auto"):
        self.console = make_console()
        terminal = self.console.is_terminal and not os.environ.get("CI")
        self.mode = ("bars" if terminal else "plain") if mode == "auto" else mode

    def say(self, text: str) -> None:
        if self.mode != "none":
            self.console.print(text, markup=False, highlight=False)

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Print a table; the columns after the first are numbers where they look like it."""
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
    def measuring(self, text: str) -> Iterator[Bar]:
        """Show a stage that measures networks, here or on a board, as far as it tells."""
        from dcanas.hardware.transport.progress import heard  # its room takes a second to enter

        with self.stage(text) as bar, heard(bar.update):
            yield bar

    @contextmanager
    def stage(self, text: str) -> Iterator[Bar]:
        """Show a stage with a bar (or lines) and what it took."""
        start = time.monotonic()
        if self.mode == "bars":
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(),
                       TextColumn("{task.fields[count]}"), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
            with Progress(*columns, console=self.console, transient=True) as bars:
                yield Bar(self.console, text, bars, False)
        else:
            if self.mode == "plain":
                self.say(f"{text} ...")
            yield Bar(self.console, text, None, self.mode == "none")
        self.say(f"{text}: {time.monotonic() - start:.1f} s")
