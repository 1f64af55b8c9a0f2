"""Successive halving: candidates are fine-tuned together, the worse are dropped, the others train on.

Every rung is a beginning of the one schedule of the recipe, and weights are kept from rung to rung, so nothing is
trained twice (Jamieson and Talwalkar, AISTATS 2016).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.hooks import Hooks
from dcanas.basics.keys import derive_seed, key_of
from dcanas.search.finalists import train_and_validate
from dcanas.search.halving.halving_settings import HalvingSettings
from dcanas.search.task import SearchTask
from dcanas.spaces import Architecture, Space, load_space
from dcanas.training import Dataset, Recipe


class Tuning(NamedTuple):
    """A network and the epochs after which it is evaluated; random: from random weights, which nothing goes on from."""

    architecture: Architecture
    epochs: int
    random: bool = False


Order = Callable[[Mapping[Architecture, dict[str, Any]]], list[Architecture]]  # of what was found, best network first
Examine = Callable[[Mapping[str, Tuning], int, int], Iterator[tuple[str, dict[str, Any]]]]  # items, done, total


def rungs(settings: HalvingSettings, candidates: int, epochs: int) -> list[tuple[int, int]]:
    """Return (networks, epochs that each has been trained when they are compared) of every rung.

    Epochs double up to those of the recipe, `epochs`, at whose end at least two are compared, for early orders are not
    those of the end. A single candidate is trained for the first rung only.
    """
    trained = min(settings.first_epochs, epochs)
    found = [(candidates, trained)]
    while trained < epochs and candidates > 1:
        candidates, trained = max(2, math.ceil(candidates * settings.keep)), min(2 * trained, epochs)
        found.append((candidates, trained))
    return found


def by_accuracy(found: Mapping[Architecture, dict[str, Any]]) -> list[Architecture]:
    """Return networks by accuracy on the validation split, then by loss, best first."""
    return sorted(found, key=lambda arch: (-found[arch]["validation_accuracy"], found[arch]["validation_loss"]))


def halve(archs: Sequence[Architecture], plan: Sequence[tuple[int, int]], examine: Examine, name: Callable[
        [Architecture], str], stored: MutableMapping[str, dict[str, Any]],
          drop: Callable[[Architecture], None] = lambda arch: None,
          order_of: Order = by_accuracy) -> tuple[Architecture, list[dict[str, Any]]]:
    """Return the network that survives all rungs, and the rungs with what was found, best network first.

    Args:
        plan: see `rungs`.
        examine: trains networks on to so many epochs and yields what it finds by key, as it finds it.
        name: notation of a network.
        stored: what `examine` yielded; none is repeated.
        drop: called for a network that is trained no further.
        order_of: orders what was found on a rung.
    """
    left, made = list(archs), []
    total = sum(count for count, _ in plan)
    for number, (_, epochs) in enumerate(plan):
        asked = {stored_as(name(arch), epochs): Tuning(arch, epochs) for arch in left}
        missing = {key: item for key, item in asked.items() if key not in stored}
        before = sum(count for count, _ in plan[:number]) + len(asked) - len(missing)
        for key, found in examine(missing, before, total):
            stored[key] = found
        results = {item.architecture: stored[key] for key, item in asked.items()}
        order = order_of(results)
        made.append({"epochs": epochs, "networks": [{"architecture": name(arch), **results[arch]} for arch in order]})
        kept = plan[number + 1][0] if number + 1 < len(plan) else 1
        for arch in order[kept:]:
            drop(arch)
        left = order[:kept]
    return left[0], made


def stored_as(text: str, epochs: int) -> str:
    """Return the key of a network's evaluation after so many epochs; text: its notation."""
    return f"{text}, {epochs} epochs"


@dataclass(frozen=True)
class FineTuning:
    """Fine-tunes members on the training split and evaluates them on the validation split, at their own resolution.

    It is the work of `fan_out`.

    Attributes:
        folder: of the checkpoints, from which a later rung goes on.
    """

    note: ClassVar[str] = "fine-tunings"  # in progress reports
    space: Space
    dataset: Dataset
    recipe: Recipe
    seed: int
    skeleton: Mapping[str, Any]
    folder: Path

    @classmethod
    def of(cls, task: SearchTask, folder: Path) -> Self:
        """Return the fine-tuning of a task's candidates, all of which see the same images in the same order."""
        return cls(task.space, task.dataset, task.recipe, derive_seed(task.seed, "candidate"), task.skeleton, folder)

    def __call__(self, item: Tuning, hooks: Hooks, device: str) -> dict[str, Any]:
        """Return `validation_accuracy` (0 to 1) and `validation_loss` after so many epochs of the recipe's schedule."""
        space = load_space(item.architecture.space) if item.random else self.space
        place = self.place(item.architecture)
        place = place.with_suffix(".random") if item.random else place
        recipe = self.recipe.from_scratch() if item.random else self.recipe
        found = train_and_validate(space, self.dataset, recipe, self.seed, item.architecture, hooks,
                                   skeleton=self.skeleton, device=device, folder=place, until=item.epochs)
        if item.random:
            shutil.rmtree(place, ignore_errors=True)
        return found

    def together(self, task: SearchTask) -> Examine:
        """Return the function that fine-tunes networks on the task's engine; images are made once for all of them."""
        def examine(items: Mapping[str, Tuning], done: int, total: int) -> Iterator[tuple[str, dict[str, Any]]]:
            for item in items.values():
                self.dataset.at(self.space.input_shape(item.architecture, self.dataset.shape, **self.skeleton)[1:])
            return fan_out(task.engine, self, items, self.folder, task.hooks, self.note, device=str(task.device),
                           done=done, total=total)
        return examine

    def drop(self, arch: Architecture) -> None:
        """Delete the checkpoints of a network."""
        shutil.rmtree(self.place(arch), ignore_errors=True)

    def place(self, arch: Architecture) -> Path:
        """Return the folder of a network's checkpoints."""
        return self.folder / key_of(self.space.format(arch))
