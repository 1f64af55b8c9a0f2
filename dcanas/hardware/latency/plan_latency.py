"""Latency of spaces in which an option's cost depends on its place: predicted from a network's plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dcanas.costs import CostModel, Domain, LinearCost
from dcanas.costs.linearise import ExpectedByFit, linearise
from dcanas.hardware.latency.latency_fit import LatencyFit
from dcanas.spaces import Architecture, Space
from dcanas.spaces.plan import Block


@dataclass(frozen=True)
class PlanLatency(ExpectedByFit):
    """latency_ms = base + prices of `plan_features`, with upper bound by `relative_error`."""

    space: Space
    domain: Domain
    name: str
    base: float
    per_option: tuple[float, ...]
    relative_error: float
    unit: str = "ms"
    source: str = "predicted"

    def value(self, arch: Architecture) -> float:
        return self.base + float(np.dot(plan_features(self.space, arch, self.domain), self.per_option))


@lru_cache(maxsize=1 << 15)
def plan_features(space: Space, arch: Architecture, domain: Domain) -> tuple[float, ...]:
    """Return what the latency of the exported network consists of (see `block_features`)."""
    plan = space.plan(arch, domain.input_shape, domain.num_classes, **dict(domain.skeleton))
    return tuple(map(sum, zip(*map(block_features, plan), strict=True)))


@lru_cache(maxsize=1 << 15)
def block_features(block: Block) -> tuple[float, float, float, float]:
    """Return million MACs, million MACs of depthwise convolutions, million stored weights, executed steps.

    A runtime computes fewer depthwise MACs in a millisecond than others, weights have to be read (which at small images
    takes longer than the MACs), and every step costs its launch, whatever its size.
    """
    dense = depthwise = weights = 0
    for step in block.steps:
        if step.depthwise:
            depthwise += step.macs
        else:
            dense += step.macs
        weights += step.weights
    return (block.count * dense / 1e6, block.count * depthwise / 1e6, block.count * weights / 1e6,
            float(block.count * len(block.steps)))


def plan_latency(space: Space, domain: Domain, name: str, fit: LatencyFit) -> CostModel:
    """Return the cost of a fit on `plan_features`, as a linear cost if costs add up over slots.

    MACs and weights add up exactly, steps except for those that several operations on one tensor share; two standard
    deviations of that difference widen the upper bound.

    Args:
        domain: the networks that were measured.
        name: of the cost, such as "latency_ms".
        fit: prices of `plan_features`, in ms.
    """
    cost = PlanLatency(space, domain, name, fit.base, fit.per_option, 0.0)
    if space.additive:
        linear, deviation = linearise(space, cost)
        error = (1 + fit.relative_residual_q95) * (1 + 2 * deviation / linear.base) - 1
        return LinearCost(linear.base, linear.table, name, "ms", "predicted", domain, error)
    return PlanLatency(space, domain, name, fit.base, fit.per_option, fit.relative_residual_q95)
