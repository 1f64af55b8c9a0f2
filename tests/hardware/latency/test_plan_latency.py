"""Latency from a plan's MACs, weights and steps: exact where it is a sum over slots, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.costs import Domain, LinearCost, count_architecture
from dcanas.hardware.latency.latency_fit import LatencyFit
from dcanas.hardware.latency.plan_latency import PlanLatency, plan_features, plan_latency
from dcanas.spaces import load_space

FIT = LatencyFit(base=0.5, per_option=(0.02, 0.05, 0.1, 0.003), relative_residual_q95=0.25, loo_mape=0.1,
                 macs_mape=None, n=12)


def test_features_of_a_small_resnet_by_hand():
    """ResNet-8: stem (convolution, ReLU), three blocks of convolution, ReLU, convolution, add, ReLU, of which the last
    two cut and widen their shortcut, head (pooling, linear layer)."""
    space = load_space("resnet")
    arch = space.parse("w16-d1-d1-d1")
    dense, depthwise, weights, steps = plan_features(space, arch, Domain.of(space, (3, 32, 32), 10))
    assert steps == 2 + 3 * 5 + 2 * 2 + 2
    assert dense == pytest.approx(count_architecture(space, arch).macs / 1e6)
    assert depthwise == 0
    kernels = 9 * (3 * 16 + 2 * 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 64 * 10
    assert weights == pytest.approx(kernels / 1e6)


def test_depthwise_macs_have_a_price_of_their_own():
    """A stem to 8 channels at 16 x 16, one inverted residual with 8 filters of 3 x 3 and 8 of 1 x 1, a linear layer."""
    space = load_space("mbconv")
    arch = space.parse("r32-s8 | t1c8n1s1k3 | n0 | n0 | n0 | n0 | n0 | n0 | h0")
    dense, depthwise, weights, _ = plan_features(space, arch, Domain.of(space, (3, 32, 32), 10))
    assert depthwise == pytest.approx(8 * 9 * 256 / 1e6)
    assert dense == pytest.approx((27 * 8 * 256 + 8 * 8 * 256 + 80) / 1e6)
    assert weights == pytest.approx((27 * 8 + 8 * 9 + 8 * 8 + 80) / 1e6)


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
        dense, depthwise, weights, steps = plan_features(space, arch, domain)
        by_hand = 0.5 + 0.02 * dense + 0.05 * depthwise + 0.1 * weights + 0.003 * steps
        assert cost.value(arch) == pytest.approx(by_hand, rel=tolerance)
        assert cost.upper(arch) == pytest.approx(1.25 * cost.value(arch), rel=tolerance)
        assert cost.upper(arch) > 1.2499999 * by_hand * (1 - tolerance)


def test_other_spaces_are_priced_one_plan_at_a_time():
    space = load_space("resnet")
    domain = Domain.of(space, (3, 32, 32), 10)
    cost = plan_latency(space, domain, "latency_p95_ms", FIT)
    assert isinstance(cost, PlanLatency)
    arch = space.parse("w12-d2-d1-d3")
    dense, _, weights, steps = plan_features(space, arch, domain)
    assert cost.value(arch) == pytest.approx(0.5 + 0.02 * dense + 0.1 * weights + 0.003 * steps)
    assert cost.uppers(np.array([arch.choices]))[0] == pytest.approx(1.25 * cost.value(arch))
