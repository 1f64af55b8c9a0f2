"""The answers of a board: types, ranges and lengths are checked before anything is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_NS = 10**13  # of one run: nearly three hours
Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    """Return whether a value is a printable text of at most 500 characters."""
    return isinstance(value, str) and len(value) <= 500 and value.isprintable()


def count(value: Any, low: int = 1, high: int = 1 << 40) -> bool:
    """Return whether a value is an integer from `low` to `high`."""
    return type(value) is int and low <= value <= high


def number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return type(value) in (int, float) and math.isfinite(value)


def or_none(check: Check) -> Check:
    """Return the check that also accepts None."""
    return lambda value: value is None or check(value)


def list_of(check: Check, longest: int) -> Check:
    """Return the check of a list of at most `longest` entries."""
    return lambda value: isinstance(value, list) and len(value) <= longest and all(check(entry) for entry in value)


def block_of(checks: dict[str, Check]) -> Check:
    """Return the check of a dictionary that has at least these keys."""
    return lambda value: isinstance(value, dict) and all(key in value and check(value[key])
                                                         for key, check in checks.items())


_STATE: dict[str, Check] = {"at_s": number, "load": or_none(list_of(number, 3)), "celsius": or_none(number),
                            "mhz": or_none(number), "flags": or_none(lambda v: count(v, 0, (1 << 32) - 1))}
state_of = block_of(_STATE)
states_of = list_of(state_of, 100_000)
LOOK: dict[str, Check] = {
    "cpu": or_none(text), "machine": text, "cores": lambda v: count(v, 1, 1 << 16), "governor": or_none(text),
    "system": text, "python": text, "clock_ns": lambda v: count(v, 1, 10**9), "missing": text, "state": state_of}
RUNTIME: dict[str, Check] = {"onnxruntime": text, "numpy": text, "providers": list_of(text, 100)}
_WARM_UP = block_of({"runs": count, "stable": lambda v: isinstance(v, bool), "last_block_ms": number})
_FACTS = block_of({"sha256": text, "input_shape": list_of(count, 8), "runs": count, "rounds": count,
                   "warm_up": list_of(_WARM_UP, 2), "cap_s": number})


def facts_of(labels: Sequence[str]) -> Check:
    """Return the check of what a worker reports about the measurement of these files."""
    return block_of(dict.fromkeys(labels, _FACTS))


def block_times(value: Any, facts: dict[str, Any]) -> NDArray[np.int64]:
    """Return times in nanoseconds; raises `ValueError` for anything else. Shape: (rounds, 2, runs).

    facts: what the worker reports about this file (`facts_of`).
    """
    flat = [time for rounds in value for block in rounds for time in block]
    if not all(count(time, 1, LONGEST_NS) for time in flat):
        raise ValueError("a time is not a whole number of nanoseconds")
    times = np.array(value, dtype=np.int64)
    if times.ndim != 3 or times.shape[1:] != (2, facts["runs"]) or not 1 <= len(times) <= facts["rounds"]:
        raise ValueError(f"shape {times.shape} instead of at most {(facts['rounds'], 2, facts['runs'])}")
    return times
