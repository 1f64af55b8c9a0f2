"""Recipes: values that cannot work are refused by name; the schedule is the published one."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.training import Recipe
from dcanas.training.recipe_parts import Colour, Distillation, Schedule


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
    ("optimiser", "adam", "train.optimiser must be one of sgd, adamw, got 'adam'"),
    ("last_layer_rate", 0, "train.last_layer_rate must be a number from 0.001 to 1000, got 0"),
])
def test_impossible_values_are_named(field, value, said):
    with pytest.raises(UserError, match=said):
        Recipe(**{field: value})


def test_momentum_is_of_sgd():
    with pytest.raises(UserError, match=r"train\.momentum applies to train\.optimiser=sgd only, not to adamw"):
        Recipe(optimiser="adamw", momentum=0.5)


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


def test_the_line_falls_evenly_from_the_warm_up_to_its_end():
    recipe = Recipe(epochs=5, learning_rate=0.5, warmup_epochs=1, schedule=Schedule("linear", learning_rate_min=0.1))
    rates = [recipe.rate(step, 4) for step in range(4, 20)]
    assert rates[0] == 0.5
    assert [a - b for a, b in itertools.pairwise(rates)] == pytest.approx([0.4 / 16] * 15)
    assert recipe.rate(20, 4) == pytest.approx(0.1)


def test_steps_are_torchs_step_schedule():
    """DARTS on ImageNet: x 0.97 after every epoch; FBNet: x 0.1 after every 90."""
    for factor, every in ((0.97, 1), (0.1, 90)):
        recipe = Recipe(epochs=250, learning_rate=0.1, warmup_epochs=0, schedule=Schedule("step", 0.0, factor, every))
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        stepped = torch.optim.lr_scheduler.StepLR(optimiser, every, factor)
        for epoch in range(250):
            for step in (0, 6):
                assert recipe.rate(epoch * 7 + step, 7) == pytest.approx(optimiser.param_groups[0]["lr"])
            optimiser.step()
            stepped.step()


def test_the_cosine_ends_where_it_is_told():
    recipe = Recipe(epochs=10, learning_rate=0.025, warmup_epochs=0, schedule=Schedule(learning_rate_min=0.001))
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.025)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50, eta_min=0.001)
    for step in range(50):
        assert recipe.rate(step, 5) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-12)
        optimiser.step()
        cosine.step()


@pytest.mark.parametrize(("made", "said"), [
    (lambda: Schedule("cosin"), r"train\.schedule\.kind must be one of .*, got 'cosin'; did you mean 'cosine'"),
    (lambda: Schedule("step", factor=0.0), r"train\.schedule\.factor must be a number from 1e-06 to 1, got 0"),
    (lambda: Schedule("step", every_epochs=0), r"train\.schedule\.every_epochs must be a whole number from 1"),
    (lambda: Recipe(learning_rate=0.1, schedule=Schedule(learning_rate_min=0.2)), "must not exceed"),
    (lambda: Colour(hue=0.6), r"train\.colour\.hue must be a number from 0 to 0\.5, got 0\.6"),
    (lambda: Colour(auto_augment="cifar"), r"colour\.auto_augment must be one of .*'cifar'; did you mean 'cifar10'"),
    (lambda: Distillation(weights="a.pt"), r"weights is given without train\.distillation\.teacher"),
    (lambda: Distillation("resnet18", "a.pt", 0.0), r"train\.distillation\.weight must be a number"),
    (lambda: Recipe(crop_scale=(0.5,)), r"train\.crop_scale must be \[smallest, largest\] .* got \[0\.5\]"),
    (lambda: Recipe(crop_scale=(0.9, 0.5)), r"train\.crop_scale"),
    (lambda: Recipe(ema=1.0), r"train\.ema must be a number from 0 to 0\.999999, got 1"),
    (lambda: Recipe(drop_path=1.0), r"train\.drop_path"),
    (lambda: Recipe(compile=True, drop_path=0.2), r"train\.compile and train\.drop_path do not go together"),
    (lambda: Recipe(decay_all="yes"), r"train\.decay_all must be true or false"),
])
def test_impossible_parts_are_named(made, said):
    with pytest.raises(UserError, match=said):
        made()
