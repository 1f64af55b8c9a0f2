"""Optimisers are torch's own to the bit, and leave its compiler out."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from dcanas.basics.machine import seed_torch
from dcanas.basics.optimisers import adam, adamw, sgd


def trained(make, options: dict) -> list[Tensor]:
    """Return parameters of two groups, one of them without a gradient, after ten steps."""
    generator = torch.Generator().manual_seed(0)
    parameters = [torch.randn(shape, generator=generator).requires_grad_()
                  for shape in ((8, 3, 3, 3), (16,), (7, 5), (4,))]
    optimiser = make([{"params": parameters[:2], "weight_decay": 0.01}, {"params": parameters[2:]}], lr=0.1, **options)
    for _ in range(10):
        optimiser.zero_grad()
        for parameter in parameters[:3]:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimiser.step()
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize(("make", "of_torch", "options"), [
    (sgd, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}), (sgd, torch.optim.SGD, {"momentum": 0.9}),
    (adam, torch.optim.Adam, {"betas": (0.5, 0.999)}), (adamw, torch.optim.AdamW, {})])
def test_steps_are_those_of_torch(make, of_torch, options: dict) -> None:
    for own, expected in zip(trained(make, options), trained(of_torch, options), strict=True):
        assert torch.equal(own, expected)


def test_a_seed_gives_the_numbers_of_torch() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    seed_torch(5)
    assert torch.equal(torch.rand(3), expected)


def test_a_process_that_trains_does_not_import_the_compiler() -> None:
    lines = """
import sys
import numpy as np
from dcanas.search.finalists import short_training
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data
space = load_space("nasbench201")
short_training(space, load_data(DataSpec("digits", fraction=0.05)), Recipe(batch_size=32), 1, 0,
               space.sample(np.random.default_rng(0)), skeleton={"channels": 4, "cells": 1})
print([name for name in ("torch._dynamo", "scipy.stats", "scipy.optimize", "sklearn") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
