"""The costs that are always there: those counted from the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dcanas.costs.counts import count_architecture
from dcanas.costs.linear import LinearCost, linear_counts
from dcanas.costs.linearise import linearise
from dcanas.costs.model import CostModel, Domain
from dcanas.costs.tabular import peak_cost
from dcanas.spaces import Architecture, Space


def count_costs(space: Space, input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, dtype: str = "fp32",
                **skeleton: Any) -> list[CostModel]:
    """Return params, macs, peak_bytes and weight_bytes of the final network as cost models."""
    channels, height, width = input_shape
    shape = (channels, height, width)
    linear = linear_counts(space, shape, num_classes, dtype, **skeleton)
    options = tuple(sorted(space.complete_skeleton(skeleton).items()))
    peak: CostModel
    if space.enumerable:
        peak = peak_cost(space, shape, num_classes, dtype, options)
    else:
        peak = PlannedPeak(space, Domain.of(space, shape, num_classes, **skeleton), dtype)
    return [linear["params"], linear["macs"], peak, linear["weight_bytes"]]


@dataclass(frozen=True)
class PlannedPeak:
    """`peak_bytes` of a space too large for a table, one plan at a time."""

    space: Space
    domain: Domain
    dtype: str = "fp32"
    name: str = "peak_bytes"
    unit: str = "B"
    source: str = "counted"

    def value(self, arch: Architecture) -> float:
        return float(count_architecture(self.space, arch, self.domain.input_shape, self.domain.num_classes, self.dtype,
                                        **dict(self.domain.skeleton)).peak_bytes)

    upper = value

    def values(self, choices: np.ndarray) -> np.ndarray:
        return np.array([self.value(self.space.architecture(row)) for row in choices])

    uppers = values

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """Return the expectation of the linear cost fitted to sampled members: a direction, not the exact value."""
        return self._fitted.expected(probabilities)

    @cached_property
    def _fitted(self) -> LinearCost:
        return linearise(self.space, self)[0]
