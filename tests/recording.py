"""Hooks that tests pass to long work: they record what is reported and ask to stop where a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dcanas.basics.hooks import Hooks


class Recording(Hooks):
    """Records steps, notes, messages and rows.

    Args:
        stop_at: the step after which to stop.
        watch: called after every step; what it returns is recorded in `watched`.
    """

    def __init__(self, stop_at: float | None = None, watch: Callable[[float], Any] = lambda step: None):
        self.stop_at, self.watch = stop_at, watch
        self.steps: list[float] = []
        self.notes: list[str] = []
        self.messages: list[str] = []
        self.rows: list[tuple[int, dict[str, Any]]] = []
        self.watched: list[Any] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, done: float, total: float, note: str = "") -> None:
        self.steps.append(done)
        self.notes.append(note)
        self.watched.append(self.watch(done))

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        self.rows.append((step, dict(row)))

    def should_stop(self) -> bool:
        return bool(self.steps) and self.steps[-1] == self.stop_at


class Reports(Hooks):
    """Keeps the progress that is reported: done, total, note."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, str]] = []

    def progress(self, done: float, total: float, note: str = "") -> None:
        self.seen.append((done, total, note))


class StopWhen(Hooks):
    """Stops when a function says so."""

    def __init__(self, asked: Callable[[], bool]):
        self.should_stop = asked  # type: ignore[method-assign]
