"""The costs that are always there: those counted from the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dcanas.costs.linear import linear_counts
from dcanas.costs.maximum import peak_of_slots
from dcanas.costs.model import CostModel, Domain
from dcanas.costs.plan_cost import UNITS, PlanCost
from dcanas.costs.tabular import peak_cost
from dcanas.spaces import Space


def count_costs(space: Space, input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, dtype: str = "fp32",
                **skeleton: Any) -> list[CostModel]:
    """Return params, macs, peak_bytes and weight_bytes of the final network as cost models."""
    channels, height, width = input_shape
    shape = (channels, height, width)
    options = tuple(sorted(space.complete_skeleton(skeleton).items()))
    domain = Domain.of(space, shape, num_classes, **skeleton)
    if not space.additive:
        return [PlanCost(space, domain, name, unit, dtype) for name, unit in UNITS.items()]
    linear = linear_counts(space, shape, num_classes, dtype, **skeleton)
    peak: CostModel
    if space.enumerable:
        peak = peak_cost(space, shape, num_classes, dtype, options)
    else:
        peak = peak_of_slots(space, domain, dtype)
    return [linear["params"], linear["macs"], peak, linear["weight_bytes"]]
