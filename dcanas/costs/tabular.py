"""Costs of any form, as a table over every code of a small space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from dcanas.costs.counts import element_bytes
from dcanas.costs.memory import peak_elements
from dcanas.costs.model import Domain
from dcanas.spaces import Architecture, Space
from dcanas.spaces.plan import Block


@dataclass(frozen=True, eq=False)
class TabularCost:
    """One value per code of a product space.

    Its expectation under independent slots is the exact sum over all codes of probability x value, so any cost is
    differentiable in the probabilities.

    Attributes:
        table: one axis per slot, one entry per option.
    """

    table: np.ndarray
    name: str
    unit: str
    source: str = "counted"
    domain: Domain | None = None
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    def value(self, arch: Architecture) -> float:
        return float(self.table[arch.choices])

    upper = value

    def values(self, choices: np.ndarray) -> np.ndarray:
        return np.asarray(self.table[tuple(choices.T)], dtype=float)

    uppers = values

    def expected(self, probabilities: Sequence[Any]) -> Any:
        left = self._like(probabilities[0])
        for p in probabilities:  # each contraction removes the first axis
            left = (p @ left.reshape(len(p), -1)).reshape(left.shape[1:])
        return left

    def _like(self, probabilities: Any) -> Any:
        if isinstance(probabilities, np.ndarray):
            return self.table.astype(probabilities.dtype)
        key = (probabilities.dtype, probabilities.device)
        if key not in self._cache:
            self._cache[key] = probabilities.new_tensor(self.table.tolist())
        return self._cache[key]


@lru_cache(maxsize=8)
def peak_cost(space: Space, domain: Domain, dtype: str = "fp32") -> TabularCost:
    """Return `peak_bytes` of every code of an enumerable space (that of its pruned network)."""
    return TabularCost(element_bytes(dtype) * _peak_table(space, domain), "peak_bytes", "B", "counted", domain)


@lru_cache(maxsize=8)
def _peak_table(space: Space, domain: Domain) -> np.ndarray:
    return table_of_codes(space, domain, peak_elements)


def table_of_codes(space: Space, domain: Domain, of_plan: Callable[[Sequence[Block]], float]) -> np.ndarray:
    """Return what `of_plan` says of the plan of every code's pruned network: one axis per slot."""
    table = np.empty([len(s.options) for s in space.slots])
    known: dict[Architecture, float] = {}
    for arch in space.enumerate():
        pruned = space.prune(arch)
        if pruned not in known:
            known[pruned] = of_plan(space.plan(pruned, domain.input_shape, domain.num_classes, **dict(domain.skeleton)))
        table[arch.choices] = known[pruned]
    return table
