"""Limits in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.costs.units import parse_limit


class Budget(dict[str, float]):
    """Limits by cost name: upper limits, or lower limits if the name ends in `_min`.

    >>> Budget(params=100_000, macs=2e6)
    Budget(params=100000.0, macs=2000000.0)
    >>> Budget({"eyeriss.latency_ms": 5})["eyeriss.latency_ms"]
    5.0
    >>> Budget(weight_bytes="500 kB")["weight_bytes"]
    500000.0

    Raises `UserError` for an unknown cost (naming the nearest) and for a limit that is not a positive number or has a
    unit of another kind.
    """

    def __init__(self, limits: Mapping[str, Any] | None = None, /, **more: Any):
        super().__init__({name: parse_limit(name, limit) for name, limit in {**(limits or {}), **more}.items()})

    def __repr__(self) -> str:
        return f"Budget({', '.join(f'{k}={v}' for k, v in self.items())})"

    def allows(self, name: str, value: Any) -> Any:
        """Return whether `value` (a number, or an array element by element) keeps the limit on `name`."""
        return value >= self[name] if name.endswith("_min") else value <= self[name]
