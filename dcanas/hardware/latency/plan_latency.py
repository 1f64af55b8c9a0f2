"""Latency of spaces in which an option's cost depends on its place: predicted from a network's plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dcanas.costs import CostModel, Domain, LinearCost
from dcanas.costs.linearise import ExpectedByFit, linearise
from dcanas.hardware.latency.latency_fit import LatencyFit
from dcanas.spaces import Architecture, Space


@dataclass(frozen=True)
class PlanLatency(ExpectedByFit):
    """latency_ms = base + price per million MACs + price per executed step, with upper bound by `relative_error`.

    Steps are what the exported file executes one after another; each costs its launch, whatever its size.
    """

    space: Space
    domain: Domain
    name: str
    base: float
    per_option: tuple[float, float]
    relative_error: float
    unit: str = "ms"
    source: str = "predicted"

    def value(self, arch: Architecture) -> float:
        return self.base + float(np.dot(plan_features(self.space, arch, self.domain), self.per_option))


@lru_cache(maxsize=1 << 15)
def plan_features(space: Space, arch: Architecture, domain: Domain) -> tuple[float, float]:
    """Return (million MACs, executed steps) of the exported network."""
    plan = space.plan(arch, domain.input_shape, domain.num_classes, **dict(domain.skeleton))
    return sum(block.totals[1] for block in plan) / 1e6, float(sum(block.count * len(block.steps) for block in plan))


def plan_latency(space: Space, domain: Domain, name: str, fit: LatencyFit) -> CostModel:
    """Return the cost of a fit on `plan_features`, as a linear cost if costs add up over slots.

    MACs add up exactly, steps except for those that several operations on one tensor share; two standard deviations of
    that difference widen the upper bound.

    Args:
        domain: the networks that were measured.
        name: of the cost, such as "latency_ms".
        fit: prices per million MACs and per executed step, in ms.
    """
    mmacs, steps = fit.per_option
    cost = PlanLatency(space, domain, name, fit.base, (mmacs, steps), 0.0)
    if space.additive:
        linear, deviation = linearise(space, cost)
        error = (1 + fit.relative_residual_q95) * (1 + 2 * deviation / linear.base) - 1
        return LinearCost(linear.base, linear.table, name, "ms", "predicted", domain, error)
    return PlanLatency(space, domain, name, fit.base, (mmacs, steps), fit.relative_residual_q95)
