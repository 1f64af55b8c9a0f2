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


def teller(total: Callable[[], int], what: str) -> Callable[[], None]:
    """Return what is called after each of `total()` parts (0: not known yet) and tells of them at times."""
    done, told = 0, 0.0

    def one_more() -> None:
        nonlocal done, told
        parts = total()
        done = done + 1 if parts else 0
        if parts and (now := time.monotonic()) - told > APART_S:
            told = now
            tell(min(done, parts), parts, what)

    return one_more
