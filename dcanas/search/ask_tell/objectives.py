"""What a trial does: look a value up, train briefly, or evaluate inherited weights. One function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from dcanas.search.finalists import short_training
from dcanas.spaces import Architecture, Space
from dcanas.training import Dataset, Recipe

FACTOR = 3  # of successive halving: the best third continues
Report = Callable[[int, float], None]  # (epoch, value so far); raises optuna.TrialPruned to end the trial


@dataclass(frozen=True)
class Evaluation:
    """The result of a trial.

    Attributes:
        value: larger is better.
        record: further results, as JSON types.
    """

    value: float
    record: dict[str, Any] = field(default_factory=dict)


Objective = Callable[[Architecture, Report, Hooks], Evaluation]  # evaluates one architecture


def look_up(space: Space, known: Mapping[tuple[int, ...], float], name: str) -> Objective:
    """Return the objective that looks up a published value.

    Args:
        known: values by option indices.
        name: of the table, for messages.
    """
    def evaluate(arch: Architecture, report: Report, hooks: Hooks) -> Evaluation:
        if arch.choices not in known:
            raise UserError(f"{name} has no value for {space.format(arch)}.")
        return Evaluation(float(known[arch.choices]), {"looked_up": name})

    return evaluate


def train_briefly(space: Space, dataset: Dataset, recipe: Recipe, epochs: int, seed: int, *,
                  skeleton: Mapping[str, Any], rungs: tuple[int, ...] = (),
                  device: str | torch.device = "cpu") -> Objective:
    """Return the objective that trains for some epochs of the recipe, always from the same seed.

    Its value is the accuracy on the validation split, in percent.

    Args:
        rungs: after these epochs the accuracy so far is reported, so that a study can stop poor trials.
    """
    examine = short_training(space, dataset, recipe, epochs, seed, skeleton=dict(skeleton), device=device)

    def evaluate(arch: Architecture, report: Report, hooks: Hooks) -> Evaluation:
        def after_epoch(epoch: int, accuracy: Callable[[], float]) -> None:
            if epoch in rungs:
                report(epoch, 100 * accuracy())

        found = examine(arch, hooks, after_epoch)
        return Evaluation(100 * found["validation_accuracy"], found)

    return evaluate


def inherit(examine: Callable[[Architecture], dict[str, Any]]) -> Objective:
    """Return the objective that evaluates members with the weights of a trained supernet.

    Its value is the accuracy on the validation split, in percent.

    Args:
        examine: see `dcanas.search.elastic.inherited.inherited_accuracy`.
    """
    def evaluate(arch: Architecture, report: Report, hooks: Hooks) -> Evaluation:
        found = examine(arch)
        return Evaluation(100 * found["validation_accuracy"], found)

    return evaluate


def halving_rungs(epochs: int, first: int) -> tuple[int, ...]:
    """Return the epochs at which successive halving compares trials: first, 3 x first, 9 x first, ... before the last.
    """
    found = []
    while 0 < first < epochs:
        found.append(first)
        first *= FACTOR
    return tuple(found)
