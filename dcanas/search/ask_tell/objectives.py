"""What a trial does: train briefly, or look a value up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from dcanas.proxies.columns import read_column
from dcanas.search.finalists import short_training
from dcanas.search.proposers.new_members import Identity
from dcanas.search.task import SearchTask
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


def make_objective(task: SearchTask) -> tuple[Objective, Identity]:
    """Return the objective of a study, and which architectures have the same value.

    Raises:
        UserError: the table has no such column, or is not one of this space.
    """
    settings = task.settings
    if settings.objective == "table":
        path = Path(str(settings.table)).expanduser()
        column = read_column(path, str(settings.column), task.space)
        objective = look_up(task.space, {arch.choices: value for arch, value in column.items()},
                            f"{path.name}, {settings.column}")
        return objective, lambda arch: arch  # two codes of one network were trained twice
    objective = train_briefly(task.space, task.dataset, task.recipe, settings.epochs, task.seed,
                              skeleton=task.skeleton, rungs=halving_rungs(settings.epochs, settings.first_rung),
                              device=task.device)
    return objective, task.space.canonical


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


def halving_rungs(epochs: int, first: int) -> tuple[int, ...]:
    """Return the epochs at which successive halving compares trials: first, 3 x first, 9 x first, ... before the last.
    """
    found = []
    while 0 < first < epochs:
        found.append(first)
        first *= FACTOR
    return tuple(found)
