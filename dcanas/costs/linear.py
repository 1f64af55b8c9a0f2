"""Costs that are a sum over the slots: the discrete cost, its expectation and the integer programme's row in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcanas.costs.counts import count_architecture
from dcanas.costs.model import Domain
from dcanas.costs.units import cost_unit
from dcanas.spaces import Architecture, Space


@dataclass(frozen=True)
class LinearCost:
    """cost = base + sum over slots of table[slot][option].

    Attributes:
        relative_error: bound of the relative error (0: exact); the upper confidence bound is value x (1 + error).
    """

    base: float
    table: tuple[tuple[float, ...], ...]
    name: str = "cost"
    unit: str = ""
    source: str = "counted"
    domain: Domain | None = None
    relative_error: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", tuple(tuple(float(c) for c in row) for row in self.table))
        if not np.isfinite([self.base, *(c for row in self.table for c in row)]).all():
            raise ValueError(f"the table of {self.name} holds a value that is not finite")

    def value(self, arch: Architecture) -> float:
        return self.base + sum(row[c] for row, c in zip(self.table, arch.choices, strict=True))

    def upper(self, arch: Architecture) -> float:
        return self.value(arch) * (1 + self.relative_error)

    def values(self, choices: np.ndarray) -> np.ndarray:
        columns = (np.asarray(row)[choices[:, i]] for i, row in enumerate(self.table))
        return self.base + sum(columns, np.zeros(len(choices)))

    def uppers(self, choices: np.ndarray) -> np.ndarray:
        return self.values(choices) * (1 + self.relative_error)

    def expected(self, probabilities: Sequence[Any]) -> Any:
        return self.base + sum(p @ constant_like(p, row) for p, row in zip(probabilities, self.table, strict=True))


def constant_like(probabilities: Any, values: Any) -> Any:
    """Return nested sequences of numbers as an array, or as a tensor of the type and device of `probabilities`."""
    return np.asarray(values) if isinstance(probabilities, np.ndarray) else probabilities.new_tensor(values)


def linear_counts(space: Space, input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, dtype: str = "fp32",
                  **skeleton: Any) -> dict[str, LinearCost]:
    """Return `params`, `macs` and `weight_bytes` of a space whose counts are sums over slots.

    Each entry of a table is the difference between two plans: that with this option in this slot, and that with the
    first option everywhere. Arguments as for `count_architecture`.
    """
    domain = Domain.of(space, input_shape, num_classes, **skeleton)
    first = (0,) * len(space.slots)  # may break a group: only its plan is asked for
    alone = [[count_architecture(space, Architecture(space.name, (*first[:i], option, *first[i + 1:])),
                                 domain.input_shape, num_classes, dtype, **skeleton)
              for option in range(len(slot.options))] for i, slot in enumerate(space.slots)]
    base = alone[0][0]
    return {
        name: LinearCost(getattr(base, name),
                         tuple(tuple(getattr(c, name) - getattr(base, name) for c in row) for row in alone),
                         name, cost_unit(name), "counted", domain)
        for name in ("params", "macs", "weight_bytes")
    }
