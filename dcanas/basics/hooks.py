"""What long work reports, and what it asks, on its way: one object in place of a callback for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class Hooks:
    """Receives progress and says whether to stop; this base is silent and never stops.

    A display overrides what it shows. Work reports to the object that `stage` yields for as long as it lasts.
    """

    def message(self, text: str) -> None:
        """Receive a sentence for the user."""

    def result(self, text: str) -> None:
        """Receive the lines that the work was done for, which a quiet display shows, too."""
        self.message(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Receive a table for the user."""

    @property
    def details(self) -> Hooks:
        """The hooks for what only those see who ask for more; a display that has no such mode shows it all."""
        return self

    @contextmanager
    def stage(self, title: str, stoppable: bool = False) -> Iterator[Hooks]:
        """Enclose a piece of work and yield the hooks that it reports to.

        Args:
            stoppable: whether the work asks `should_stop` between its steps and can go on from there later.
        """
        yield self

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Receive how much of the work is done; `note` says what is going on, such as "epoch 3, loss 0.412"."""

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        """Receive a line of the history: losses and accuracies of the epoch that ended with `step`."""

    def should_stop(self) -> bool:
        """Return whether to stop after the step at hand; the work then saves its state and raises `Stopped`."""
        return False


QUIET = Hooks()


@dataclass(eq=False)
class Part(Hooks):
    """Hooks for one of several equal pieces of work, whose progress becomes a fraction of the whole's.

    Messages, tables and the request to stop are those of the whole; lines of the history are dropped, as their steps
    count within the piece.

    Attributes:
        whole: the hooks of all pieces together.
        index: of this piece, from 0.
        count: of all pieces.
        note: replaces the note of the piece in progress reports.
    """

    whole: Hooks
    index: int
    count: int
    note: str = ""

    def message(self, text: str) -> None:
        self.whole.message(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.whole.table(title, columns, rows)

    @property
    def details(self) -> Hooks:
        return self.whole.details

    def progress(self, done: float, total: float, note: str = "") -> None:
        self.whole.progress(self.index + done / total, self.count, self.note or note)

    def should_stop(self) -> bool:
        return self.whole.should_stop()
