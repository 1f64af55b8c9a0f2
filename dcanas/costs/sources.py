"""The costs that every space has: those counted from the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from dcanas.costs.counts import Counts
from dcanas.costs.linear import linear_counts
from dcanas.costs.maximum import peak_of_slots
from dcanas.costs.model import CostModel, Domain
from dcanas.costs.plan_cost import PlanCost
from dcanas.costs.tabular import peak_cost
from dcanas.costs.units import cost_unit
from dcanas.spaces import Space


def count_costs(space: Space, input_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, dtype: str = "fp32",
                **skeleton: Any) -> list[CostModel]:
    """Return params, macs, peak_bytes and weight_bytes of a space's networks as cost models.

    Arguments as for `count_architecture`.
    """
    domain = Domain.of(space, input_shape, num_classes, **skeleton)
    if not space.additive:
        return [PlanCost(space, domain, f.name, cost_unit(f.name), dtype) for f in fields(Counts)]
    linear = linear_counts(space, input_shape, num_classes, dtype, **skeleton)
    peak: CostModel = (peak_cost if space.enumerable else peak_of_slots)(space, domain, dtype)
    return [linear["params"], linear["macs"], peak, linear["weight_bytes"]]
