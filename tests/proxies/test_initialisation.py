"""How weights are drawn before a network is scored."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from proxy_networks import small_network
from torch import nn

from dcanas.proxies import score_network
from dcanas.proxies.initialisation import INITIALISATIONS, initialise
from dcanas.proxies.table import Scoring, score_architecture
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
DRAW = np.random.default_rng(0)
SCORING = Scoring("nasbench201", ("synflow", "plain"), DRAW.normal(size=(4, 3, 8, 8)).astype(np.float32), np.arange(4),
                  skeleton={"channels": 4, "cells": 1})
ARCH = SPACE.sample(DRAW)


@pytest.mark.parametrize(("kind", "variance"), [
    ("kaiming", lambda fan_in, fan_out: 2 / fan_in), ("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    ("normal", lambda fan_in, fan_out: 1.0)])
def test_initialisations_have_the_published_variance(kind, variance):
    """A 3x3 convolution of 64 to 128 channels: 73,728 draws, so the variance is known to about a percent."""
    layer = nn.Conv2d(64, 128, 3)
    torch.manual_seed(0)
    initialise(layer, kind)
    assert float(layer.weight.var()) == pytest.approx(variance(64 * 9, 128 * 9), rel=0.03)
    assert not layer.bias.any()


def test_the_default_initialisation_changes_nothing_and_others_are_reproducible(batch):
    net, same = small_network(), small_network()
    initialise(net, "default")
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), same.parameters(), strict=True))
    layer = nn.Linear(8, 8)
    initialise(layer, "orthogonal")
    assert torch.allclose(layer.weight @ layer.weight.T, torch.eye(8), atol=1e-5)
    found = {kind: score_architecture(dataclasses.replace(SCORING, initialisation=kind), SPACE, ARCH)["scores"]
             for kind in INITIALISATIONS}
    assert len({row["synflow"] for row in found.values()}) == len(INITIALISATIONS)
    assert score_network(net, *batch, names=["params"])["params"].ok
