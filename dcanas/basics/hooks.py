"""What long work reports, and what it asks, on its way: one object in place of a callback for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


class Hooks:
    """Receives progress and says whether to stop; this base is silent and never stops.

    A display overrides what it shows. Work reports to the object that `stage` yields for as long as it lasts.
    """

    def message(self, text: str) -> None:
        """Receive a sentence for the user."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Receive a table for the user."""

    @contextmanager
    def stage(self, title: str) -> Iterator[Hooks]:
        """Enclose a piece of work and yield the hooks that it reports to."""
        yield self

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Receive how much of the work is done; `note` says what is going on, such as "epoch 3, loss 0.412"."""

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        """Receive a line of the history: losses and accuracies of the epoch that ended with `step`."""

    def should_stop(self) -> bool:
        """Return whether to stop after the step at hand; the work then saves its state and raises `Stopped`."""
        return False


QUIET = Hooks()
