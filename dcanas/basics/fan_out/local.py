"""Tasks on processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import BrokenProcessPool

from dcanas.basics.fan_out.task import Call, attempts_of, perform

Outcomes = Iterator[tuple[int, dict[str, Any]]]


def run_local(calls: Sequence[Call], workers: int, say: Callable[[str], None]) -> Outcomes:
    """Yield the number and the outcome of every task as it is done.

    joblib ends all processes if one is killed. The tasks that have no outcome are then begun again; those that were
    being worked on more than once when that happened run one at a time, so that none is blamed for another.
    """
    left = {call.number: call for call in calls}
    while left:
        folder = Path(next(iter(left.values())).folder)
        suspects = [call for call in left.values() if attempts_of(folder, call.number) > 1]
        others = [call for call in left.values() if call not in suspects]
        for group in [others] if others else [[call] for call in suspects]:
            try:
                for number, outcome in _pool(group, workers):
                    del left[number]
                    yield number, outcome
            except BrokenProcessPool:
                say("  A process that worked on a task has ended; what it had begun is begun again.")


def _pool(calls: Sequence[Call], workers: int) -> Outcomes:
    if not calls:
        return
    pool = Parallel(n_jobs=max(2, workers), backend="loky", return_as="generator_unordered", batch_size=1,
                    inner_max_num_threads=calls[0].threads)
    yield from pool(delayed(_numbered)(call) for call in calls)


def _numbered(call: Call) -> tuple[int, dict[str, Any]]:
    return call.number, perform(call)
