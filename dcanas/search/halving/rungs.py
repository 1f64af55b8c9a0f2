"""Successive halving: candidates are fine-tuned together, the worse are dropped, the others train on.

Every rung is a beginning of the one schedule of the recipe, and weights are kept from rung to rung, so nothing is
trained twice (Jamieson and Talwalkar, AISTATS 2016).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.hooks import Hooks, Part
from dcanas.basics.keys import derive_seed, key_of
from dcanas.search.finalists import train_and_validate
from dcanas.search.halving.halving_settings import HalvingSettings
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture, Space, load_space

Examine = Callable[[Architecture, int, Hooks], dict[str, Any]]  # epochs -> validation_accuracy and validation_loss


def rungs(settings: HalvingSettings, candidates: int, epochs: int) -> list[tuple[int, int]]:
    """Return (networks, epochs that each has been trained when they are compared) of every rung.

    Epochs double up to those of the recipe, `epochs`; a single network that is left is not trained further.
    """
    trained = min(settings.first_epochs, epochs)
    found = [(candidates, trained)]
    while trained < epochs and (candidates := math.floor(candidates * settings.keep)) > 1:
        trained = min(2 * trained, epochs)
        found.append((candidates, trained))
    return found


def halve(archs: Sequence[Architecture], plan: Sequence[tuple[int, int]], examine: Examine, name: Callable[
        [Architecture], str], stored: MutableMapping[str, dict[str, Any]], hooks: Hooks,
          drop: Callable[[Architecture], None] = lambda arch: None) -> tuple[Architecture, list[dict[str, Any]]]:
    """Return the network that survives all rungs, and the rungs with what was found, best network first.

    Args:
        plan: see `rungs`.
        examine: trains a network on to so many epochs and evaluates it.
        name: notation of a network.
        stored: what `examine` returned, by notation and epochs; none is repeated.
        drop: called for a network that is trained no further.
    """
    left, made = list(archs), []
    total = sum(count for count, _ in plan)
    done = 0
    for number, (_, epochs) in enumerate(plan):
        for arch in left:
            key = stored_as(name(arch), epochs)
            if key not in stored:
                stored[key] = examine(arch, epochs, Part(hooks, done, total, "fine-tunings"))
            done += 1
            hooks.progress(done, total, "fine-tunings")
        found = {arch: stored[stored_as(name(arch), epochs)] for arch in left}
        order = sorted(left, key=lambda arch: (-found[arch]["validation_accuracy"], found[arch]["validation_loss"]))
        made.append({"epochs": epochs, "networks": [{"architecture": name(arch), **found[arch]} for arch in order]})
        kept = plan[number + 1][0] if number + 1 < len(plan) else 1
        for arch in order[kept:]:
            drop(arch)
        left = order[:kept]
    return left[0], made


def stored_as(text: str, epochs: int) -> str:
    """Return the key of a network's evaluation after so many epochs; text: its notation."""
    return f"{text}, {epochs} epochs"


class FineTuning:
    """Fine-tunes members on the training split and evaluates them on the validation split, at their own resolution."""

    def __init__(self, task: SearchTask, folder: Path):
        self.task, self.folder = task, folder

    def __call__(self, arch: Architecture, epochs: int, hooks: Hooks) -> dict[str, Any]:
        """Return `validation_accuracy` (0 to 1) and `validation_loss` after so many epochs of the recipe's schedule."""
        return self._trained(self.task.space, arch, epochs, hooks, self._place(arch))

    def from_random_weights(self, arch: Architecture, epochs: int, hooks: Hooks) -> dict[str, Any]:
        """Return the same for a network that knows nothing."""
        place = self._place(arch).with_suffix(".random")
        found = self._trained(load_space(arch.space), arch, epochs, hooks, place)
        shutil.rmtree(place, ignore_errors=True)
        return found

    def _trained(self, space: Space, arch: Architecture, epochs: int, hooks: Hooks, place: Path) -> dict[str, Any]:
        task = self.task
        return train_and_validate(space, task.dataset, task.recipe, derive_seed(task.seed, "candidate"), arch, hooks,
                                  skeleton=task.skeleton, device=task.device, folder=place, until=epochs)

    def drop(self, arch: Architecture) -> None:
        """Delete the checkpoints of a network."""
        shutil.rmtree(self._place(arch), ignore_errors=True)

    def _place(self, arch: Architecture) -> Path:
        return self.folder / key_of(self.task.space.format(arch))
