"""Folding keeps the function and leaves the original alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dcanas.export.batchnorm_folding import folded
from dcanas.spaces import load_space


@pytest.mark.parametrize(("space", "skeleton"), [("nasbench201", {"channels": 4, "cells": 1}), ("mobilenetv2", {})])
def test_the_same_function_with_fewer_norms(space: str, skeleton: dict) -> None:
    torch.manual_seed(0)
    found = load_space(space)
    network = found.build(found.sample(np.random.default_rng(3)), 10, 3, **skeleton)
    images = torch.rand(4, 3, 32, 32)
    network(images)  # statistics that are not 0 and 1
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.testing.assert_close(folded(network)(images), network(images), rtol=1e-4, atol=1e-5)

    def norms(model: nn.Module) -> int:
        return sum(isinstance(part, nn.BatchNorm2d) for part in model.modules())

    assert norms(folded(network)) < norms(network)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
