"""Limits in physical units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcanas.costs.units import parse_limit


class Budget(Mapping[str, float]):
    """Limits by cost name: upper limits, or lower limits where the name ends in `_min`.

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
        self._limits = {name: parse_limit(name, limit) for name, limit in {**(limits or {}), **more}.items()}

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
