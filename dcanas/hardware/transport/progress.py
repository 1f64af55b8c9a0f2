"""Who hears how far a measurement is: whoever shows it, however far above."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

OnProgress = Callable[[int, int, str], None]  # done, of how many, what
APART_S = 0.5  # between two words, so that telling costs nothing beside measuring

_listener: ContextVar[OnProgress | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def heard(listener: OnProgress) -> Iterator[None]:
    """While inside, measurements that this thread makes tell the listener how far they are."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def tell(done: int, total: int, what: str) -> None:
    """Say how far a measurement is, where somebody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total, what)


def tell_blocks(done: object, planned: object) -> None:
    """Say how many blocks of runs a measurement has made; what a board says of it is a number or is not passed on."""
    if isinstance(done, int) and isinstance(planned, int) and 0 < done <= planned:
        tell(done, planned, "blocks of runs")


def at_times(word: Callable[[], None]) -> Callable[[], None]:
    """Return a function that gives the word where the last time is some while ago."""
    told = 0.0

    def call() -> None:
        nonlocal told
        if (now := time.monotonic()) - told > APART_S:
            told = now
            word()

    return call
