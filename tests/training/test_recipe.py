"""Recipes: values that cannot work are refused by name; the schedule is the published one."""

from __future__ import annotations

import math

import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.training import Recipe


@pytest.mark.parametrize(("field", "value", "said"), [
    ("epochs", 0, "train.epochs must be a whole number from 1 to 100000, got 0"),
    ("epochs", 1.5, "whole number"),
    ("batch_size", 1, "train.batch_size must be a whole number from 2"),
    ("learning_rate", float("nan"), "train.learning_rate must be a number from 1e-08 to 10, got nan"),
    ("learning_rate", -0.1, "got -0.1"),
    ("learning_rate", "fast", "got 'fast'"),
    ("momentum", 1.0, "train.momentum"),
    ("label_smoothing", 1.0, "train.label_smoothing"),
    ("cutout", 2, "train.cutout"),
    ("epochs", True, "got True"),
    ("flip", "yes", "train.flip must be true or false, got 'yes'"),
    ("weighted_loss", None, "train.weighted_loss must be true or false, got None"),
    ("amp", "fp16", "train.amp must be one of auto, off, bf16, got 'fp16'"),
    ("momentum", 0, "train.nesterov needs"),
])
def test_impossible_values_are_named(field, value, said):
    with pytest.raises(UserError, match=said):
        Recipe(**{field: value})


def test_the_rate_is_torchs_cosine_after_a_linear_warm_up():
    recipe = Recipe(epochs=10, learning_rate=0.2, warmup_epochs=2)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.2)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=8 * 5)
    for step in range(10):  # ten steps of warm-up: 1/11, 2/11, ... of the full rate
        assert math.isclose(recipe.rate(step, 5), 0.2 * (step + 1) / 11)
    for step in range(10, 50):
        assert recipe.rate(step, 5) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-12)
        optimiser.step()
        cosine.step()
    assert recipe.rate(50, 5) == pytest.approx(0, abs=1e-12)
