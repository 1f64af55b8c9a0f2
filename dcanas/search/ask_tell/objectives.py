"""What a trial does: look a table up, train briefly, or evaluate inherited weights. One class each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.search.finalists import short_training
from dcanas.search.proposers.new_members import Identity
from dcanas.spaces import Architecture, Space
from dcanas.training import Dataset, Recipe

FACTOR = 3  # of successive halving: the best third goes on
Report = Callable[[int, float], None]  # (epoch, value so far); raises optuna.TrialPruned to end the trial


@dataclass(frozen=True)
class Evaluation:
    """value: larger is better. record: what else is known, as JSON types."""

    value: float
    record: dict[str, Any] = field(default_factory=dict)


class Objective(Protocol):
    """Evaluates one architecture; `report` receives intermediate values, if there are any, `hooks` the progress."""

    @property
    def identity(self) -> Identity: ...

    def __call__(self, arch: Architecture, report: Report, hooks: Hooks) -> Evaluation: ...


class TableLookUp:
    """A published value per code: two codes of one network have two values, as they were trained twice."""

    def __init__(self, space: Space, known: Mapping[tuple[int, ...], float], name: str):
        self.space, self.known, self.name = space, known, name

    @property
    def identity(self) -> Identity:
        return lambda arch: arch

    def __call__(self, arch: Architecture, report: Report = lambda epoch, value: None,
                 hooks: Hooks = QUIET) -> Evaluation:
        if arch.choices not in self.known:
            raise UserError(f"{self.name} has no value for {self.space.format(arch)}.")
        return Evaluation(float(self.known[arch.choices]), {"looked_up": self.name})


class ShortTraining:
    """Accuracy on the validation split, in percent, after some epochs of the recipe, all from the same seed.

    rungs: after these epochs the accuracy so far is reported, so that a study may stop what falls behind.
    """

    def __init__(self, space: Space, dataset: Dataset, recipe: Recipe, epochs: int, seed: int, *,
                 skeleton: Mapping[str, Any], rungs: tuple[int, ...] = (), device: str | torch.device = "cpu"):
        self.space, self.rungs = space, rungs
        self._train = short_training(space, dataset, recipe, epochs, seed, skeleton=dict(skeleton), device=device)

    @property
    def identity(self) -> Identity:
        return self.space.canonical

    def __call__(self, arch: Architecture, report: Report = lambda epoch, value: None,
                 hooks: Hooks = QUIET) -> Evaluation:
        def after_epoch(epoch: int, accuracy: Callable[[], float]) -> None:
            if epoch in self.rungs:
                report(epoch, 100 * accuracy())

        found = self._train(arch, hooks, after_epoch)
        return Evaluation(100 * found["validation_accuracy"], found)


class Inherited:
    """Accuracy on the validation split, in percent, with the weights of a trained supernet.

    examine: see `dcanas.search.elastic.inherited.inherited_accuracy`.
    """

    def __init__(self, space: Space, examine: Callable[[Architecture], dict[str, Any]]):
        self.space, self._examine = space, examine

    @property
    def identity(self) -> Identity:
        return self.space.canonical

    def __call__(self, arch: Architecture, report: Report = lambda epoch, value: None,
                 hooks: Hooks = QUIET) -> Evaluation:
        found = self._examine(arch)
        return Evaluation(100 * found["validation_accuracy"], found)


def rungs(epochs: int, first: int, factor: int = FACTOR) -> tuple[int, ...]:
    """Return the epochs at which successive halving looks: first, first x factor, ... before the last."""
    found, epoch = [], first
    while 0 < epoch < epochs:
        found.append(epoch)
        epoch *= factor
    return tuple(int(e) for e in np.unique(found))
