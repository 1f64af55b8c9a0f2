"""A linear stand-in for a cost that is not linear, for spaces that only an integer programme can search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from dcanas.costs.linear import LinearCost
from dcanas.costs.model import CostModel
from dcanas.spaces import Architecture, Space

SAMPLE = 500


def linearise(space: Space, cost: CostModel, seed: int = 0) -> tuple[LinearCost, float]:
    """Fit upper bounds of `cost` on sampled members by one number per slot and option (least squares).

    Returns the fitted cost and the standard deviation of its residuals, in the cost's unit.
    """
    rng = np.random.default_rng(seed)
    choices = np.array([space.sample(rng).choices for _ in range(SAMPLE)])
    sizes = [len(slot.options) for slot in space.slots]
    one_hot = np.concatenate([np.eye(size)[choices[:, i]] for i, size in enumerate(sizes)], axis=1)
    uppers = cost.uppers(choices)
    centre = float(uppers.mean())
    weights, *_ = np.linalg.lstsq(one_hot, uppers - centre, rcond=None)  # least norm: slots are collinear
    ends = np.cumsum(sizes)
    table = tuple(tuple(weights[end - size:end]) for size, end in zip(sizes, ends, strict=True))
    fitted = LinearCost(centre, table, cost.name, cost.unit, "predicted", cost.domain)
    return fitted, float(np.std(uppers - fitted.values(choices)))


class ExpectedByFit(ABC):
    """Gives a cost model of a `space` that has a `value` the rest: its bound, its values of many codes, and as
    expectation that of the linear cost fitted to sampled members."""

    space: Space
    relative_error: float = 0.0

    @abstractmethod
    def value(self, arch: Architecture) -> float:
        """Return the cost of an architecture."""

    def upper(self, arch: Architecture) -> float:
        return self.value(arch) * (1 + self.relative_error)

    def values(self, choices: np.ndarray) -> np.ndarray:
        return np.array([self.value(self.space.architecture(row)) for row in choices])

    def uppers(self, choices: np.ndarray) -> np.ndarray:
        return self.values(choices) * (1 + self.relative_error)

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """Return a direction for the gradient, not the exact expectation (see `CostModel.expected`)."""
        return self._fitted.expected(probabilities)

    @cached_property
    def _fitted(self) -> LinearCost:
        return linearise(self.space, self)[0]  # type: ignore[arg-type]
