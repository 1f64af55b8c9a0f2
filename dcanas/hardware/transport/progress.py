"""Progress of measurements, reported to hooks that are set many calls above."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from dcanas.basics.hooks import QUIET, Hooks

_hooks: ContextVar[Hooks] = ContextVar("hooks", default=QUIET)


@contextlib.contextmanager
def report_to(hooks: Hooks) -> Iterator[None]:
    """Within the context, measurements that this thread makes report their progress to `hooks`."""
    before = _hooks.set(hooks)
    try:
        yield
    finally:
        _hooks.reset(before)


def report(done: int, total: int, note: str) -> None:
    """Report the progress of a measurement to the hooks of this thread.

    Args:
        done, total: in the unit of `note`.
        note: what is counted.
    """
    _hooks.get().progress(done, total, note)


def report_blocks(done: object, planned: object) -> None:
    """Report how many blocks of runs a measurement has made; what a board answers instead of numbers is dropped."""
    if isinstance(done, int) and isinstance(planned, int) and 0 < done <= planned:
        _hooks.get().progress(done, planned, "blocks of runs")
