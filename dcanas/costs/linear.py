"""Costs that are a sum over the slots: the discrete cost, its expectation and the integer programme's row in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcanas.costs.counts import count_architecture
from dcanas.costs.model import Domain
from dcanas.spaces import Architecture, Space


@dataclass(frozen=True)
class LinearCost:
    """cost = base + sum over slots of table[slot][option].

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
        return self.base + sum(np.asarray(row)[choices[:, i]] for i, row in enumerate(self.table))

    def uppers(self, choices: np.ndarray) -> np.ndarray:
        return self.values(choices) * (1 + self.relative_error)

    def expected(self, probabilities: Sequence[Any]) -> Any:
        return self.base + sum(_dot(p, row) for p, row in zip(probabilities, self.table, strict=True))


def _dot(probabilities: Any, row: tuple[float, ...]) -> Any:
    if isinstance(probabilities, np.ndarray):
        return probabilities @ np.asarray(row)
    return probabilities @ probabilities.new_tensor(row)


def linear_counts(space: Space, input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, dtype: str = "fp32",
                  **skeleton: Any) -> dict[str, LinearCost]:
    """Return `params`, `macs` and `weight_bytes` of a space whose slots add up, as linear costs.

    Read off the closed form: one architecture per slot and option against the one with the first option everywhere.
    """
    shape: Any = tuple(input_shape)
    first = Architecture(space.name, (0,) * len(space.slots))  # may break a group: only its plan is asked for

    def counts(slot: int, option: int) -> Any:
        choices = (*first.choices[:slot], option, *first.choices[slot + 1:])
        return count_architecture(space, Architecture(space.name, choices), shape, num_classes, dtype, **skeleton)

    base = count_architecture(space, first, shape, num_classes, dtype, **skeleton)
    alone = [[counts(i, o) for o in range(len(slot.options))] for i, slot in enumerate(space.slots)]
    domain = Domain.of(space, shape, num_classes, **skeleton)
    return {
        name: LinearCost(getattr(base, name),
                         tuple(tuple(getattr(c, name) - getattr(base, name) for c in row) for row in alone),
                         name, unit, "counted", domain)
        for name, unit in (("params", ""), ("macs", "MAC"), ("weight_bytes", "B"))
    }
