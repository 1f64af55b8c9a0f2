"""Latency from a plan's MACs and steps: exact where it is a sum over slots, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.costs import Domain, LinearCost, count_architecture
from dcanas.hardware.latency.latency_fit import LatencyFit
from dcanas.hardware.latency.plan_latency import PlanLatency, plan_features, plan_latency
from dcanas.spaces import load_space

FIT = LatencyFit(base=0.5, per_option=(0.02, 0.003), relative_residual_q95=0.25, loo_mape=0.1, macs_mape=None, n=12)


def test_features_of_a_small_resnet_by_hand():
    """ResNet-8: stem (convolution, ReLU), three blocks of convolution, ReLU, convolution, add, ReLU, of which the last
    two cut and widen their shortcut, head (pooling, linear layer)."""
    space = load_space("resnet")
    arch = space.parse("w16-d1-d1-d1")
    macs, steps = plan_features(space, arch, Domain.of(space, (3, 32, 32), 10))
    assert steps == 2 + 3 * 5 + 2 * 2 + 2
    assert macs == count_architecture(space, arch).macs / 1e6


@pytest.mark.parametrize(("name", "tolerance"), [("darts", 0.03), ("fbnet", 1e-9)])
def test_additive_spaces_get_a_linear_cost(name, tolerance):
    """In a cell, operations on one tensor share its ReLU, so that steps add up but for these."""
    space = load_space(name)
    skeleton = {"channels": 4, "cells": 3} if name == "darts" else {}
    domain = Domain.of(space, (3, 32, 32), 10, **skeleton)
    cost = plan_latency(space, domain, "latency_ms", FIT)
    assert isinstance(cost, LinearCost)
    rng = np.random.default_rng(1)
    for arch in [space.sample(rng) for _ in range(20)]:
        macs, steps = plan_features(space, arch, domain)
        by_hand = 0.5 + 0.02 * macs + 0.003 * steps
        assert cost.value(arch) == pytest.approx(by_hand, rel=tolerance)
        assert cost.upper(arch) == pytest.approx(1.25 * cost.value(arch), rel=tolerance)
        assert cost.upper(arch) > 1.2499999 * by_hand * (1 - tolerance)


def test_other_spaces_are_priced_one_plan_at_a_time():
    space = load_space("resnet")
    domain = Domain.of(space, (3, 32, 32), 10)
    cost = plan_latency(space, domain, "latency_p95_ms", FIT)
    assert isinstance(cost, PlanLatency)
    arch = space.parse("w12-d2-d1-d3")
    macs, steps = plan_features(space, arch, domain)
    assert cost.value(arch) == pytest.approx(0.5 + 0.02 * macs + 0.003 * steps)
    assert cost.uppers(np.array([arch.choices]))[0] == pytest.approx(1.25 * cost.value(arch))
