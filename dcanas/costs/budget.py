"""Limits in physical units."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

from dcanas.basics.errors import UserError, unknown

COSTS = {  # name -> (unit, meaning)
    "params": ("", "trainable parameters"),
    "macs": ("MAC", "multiply-accumulates for one image; FLOPs are twice as many"),
    "peak_bytes": ("B", "largest sum of live activations"),
    "weight_bytes": ("B", "weights stored in the exported file"),
    "latency_ms": ("ms", "median latency at batch 1"),
    "latency_p95_ms": ("ms", "95th percentile of single runs"),
    "energy_mj": ("mJ", "energy per image"),
    "robust_accuracy_min": ("", "least accuracy under attack"),
}


def cost_unit(name: str) -> str:
    """Return the unit of a cost name (`eyeriss.latency_ms` is `latency_ms` on the device eyeriss)."""
    bare = name.rsplit(".", 1)[-1]
    if bare not in COSTS:
        raise unknown("cost", name, COSTS)
    return COSTS[bare][0]


class Budget(Mapping[str, float]):
    """Limits by cost name: upper limits, or lower limits where the name ends in `_min`.

    >>> Budget(params=100_000, macs=2e6)
    Budget(params=100000.0, macs=2000000.0)
    >>> Budget({"eyeriss.latency_ms": 5})["eyeriss.latency_ms"]
    5.0

    Raises `UserError` for an unknown cost (naming the nearest) and for a limit that is no positive number.
    """

    def __init__(self, limits: Mapping[str, Any] | None = None, /, **more: Any):
        self._limits: dict[str, float] = {}
        for name, limit in {**(limits or {}), **more}.items():
            cost_unit(name)
            if isinstance(limit, bool) or not isinstance(limit, Real) or not math.isfinite(limit) or limit <= 0:
                raise UserError(f"The limit on {name} must be a positive finite number"
                                f"{f' of {cost_unit(name)}' if cost_unit(name) else ''}, got {limit!r}.")
            self._limits[name] = float(limit)

    def __getitem__(self, name: str) -> float:
        return self._limits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def __repr__(self) -> str:
        return f"Budget({', '.join(f'{k}={v}' for k, v in self._limits.items())})"

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._limits.items())))

    def allows(self, name: str, value: Any) -> Any:
        """True where `value` (a number or an array of them) keeps the limit on `name`."""
        return value >= self[name] if name.endswith("_min") else value <= self[name]
