"""What a board says of its measurement, held against what was asked, the clock here and its own sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.export import worker

CLOCKS = 1.02  # that two clocks may differ by
SHORTEST_NS = 500  # that Python takes to call a runtime at all
FILLED = 0.1  # of a measurement, at least, are the runs that count
ROUNDED_S = 0.02  # of states and pauses


@dataclass(frozen=True)
class Plan:
    """How one file is measured: what a round and all of them take, in seconds, and how many times that makes."""

    round_s: float
    planned_s: float
    times: int


def require_facts(name: str, facts: Mapping[str, Mapping[str, Any]], sent: Mapping[str, str], seconds: float,
                  cap_s: float | None, took_s: float) -> dict[str, Plan]:
    """Return the plan of each file, if what the board says of it can be true.

    Args:
        name: of the device.
        facts: of `worker.Bench.facts`.
        sent: label -> SHA-256 of the file that was sent.
        seconds, cap_s: as asked (`profile_onnx`).
        took_s: the seconds that warming up took by the clock here.

    Raises:
        UserError: it cannot be true; the message says what.
    """
    plans, warm_s = {}, 0.0
    for label, fact in facts.items():
        if fact["sha256"] != sent[label]:
            raise _lie(name, f"it measured a file of SHA-256 {fact['sha256'][:12]}, sent was {sent[label][:12]}")
        warm = fact["warm_up"]
        if len(warm) != worker.REPEATS or any(w["last_block_ms"] <= 0 for w in warm):
            raise _lie(name, "it did not warm up")
        warm_s += sum(worker.MIN_RUNS * w["last_block_ms"] / 2e3 for w in warm)  # half of them are above the median
        runs, rounds, planned_s = worker.plan(warm, seconds)
        if (fact["runs"], fact["rounds"]) != (runs, rounds):
            raise _lie(name, f"it plans {fact['rounds']} rounds of {fact['runs']} runs, from its warm-up follow "
                             f"{rounds} of {runs}")
        plans[label] = Plan(planned_s / rounds, planned_s, rounds * worker.REPEATS * runs)
    if warm_s > CLOCKS * took_s:
        raise _lie(name, f"its warm-up took {warm_s:.3g} s at least, but {took_s:.3g} s by the clock here")
    allowed_s = worker.cap([plan.planned_s for plan in plans.values()]) if cap_s is None else cap_s
    if any(abs(fact["cap_s"] - allowed_s) > 1e-6 * allowed_s for fact in facts.values()):
        raise _lie(name, f"it does not keep to the {allowed_s:.3g} s that measuring may take")
    return plans


def require_same(name: str, before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `UserError` if what a device says of its measurement changed meanwhile."""
    for label, facts in before.items():
        for key, value in facts.items():
            if now[label][key] != value:
                raise _lie(name, f"its {key} was {value} before the measurement and {now[label][key]} after it")


def require_sum(name: str, what: str, least_ns: float, took_s: float) -> None:
    """Raise `UserError` if times that a device sums up to at least `least_ns` cannot be within the seconds here."""
    if least_ns / 1e9 > CLOCKS * took_s:
        raise _lie(name, f"{what} took {least_ns / 1e9:.3g} s at least, but {took_s:.3g} s by the clock here")


def require_times(name: str, samples: Mapping[str, NDArray[np.int64]], states: Sequence[Mapping[str, Any]],
                  clock_ns: int, took_s: float) -> None:
    """Raise `UserError` if the times of runs cannot be true.

    Args:
        name: of the device.
        samples: label -> times in ns.
        states: of the machine, the first and the last enclose the runs.
        clock_ns: resolution of its clock.
        took_s: the seconds that the measurement took by the clock here.
    """
    sum_s = sum(float(times.sum()) for times in samples.values()) / 1e9
    shortest = min(int(times.min()) for times in samples.values())
    if sum_s > CLOCKS * took_s:
        raise _lie(name, f"its runs sum up to {sum_s:.3g} s, but the measurement took {took_s:.3g} s by the clock here")
    if shortest < max(SHORTEST_NS, clock_ns):
        raise _lie(name, f"one run took {shortest} ns, which its clock (steps of {clock_ns} ns) and its Python cannot "
                         "tell")
    if len(states) < 2:
        raise _lie(name, "it does not say when it began and ended")
    at = [state["at_s"] for state in states]
    within_s = at[-1] - at[0]
    if at != sorted(at) or within_s > CLOCKS * took_s + ROUNDED_S:
        raise _lie(name, f"by its clock the measurement took {within_s:.3g} s, by the clock here {took_s:.3g} s")
    if not FILLED * (within_s - ROUNDED_S) <= sum_s <= CLOCKS * within_s:
        raise _lie(name, f"its runs sum up to {sum_s:.3g} s, but by its clock the measurement took {within_s:.3g} s")


def _lie(name: str, what: str) -> UserError:
    return UserError(f"Device {name} answered with what cannot be true: {what}; none of it is used. Check its clock "
                     "and its Python, then run the command again.")
