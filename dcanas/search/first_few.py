"""The first few networks of a judge are trained by successive halving, on the first epochs of the recipe's schedule.

Weights are kept from rung to rung (`dcanas.search.halving.rungs`), and the training of the last one goes on from them,
so what it has learnt is not learnt twice. A rung is ordered by the sum of the rank by the judge and the rank by
training, which reads the losses of the training so far and the loss on the validation split together. Random members
are trained as long as the first rung: if they are no worse, the judge has no say (`dcanas.search.trust`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scipy.stats import rankdata

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.files import write_bytes
from dcanas.basics.hooks import Hooks
from dcanas.basics.keys import key_of
from dcanas.basics.ledger import Ledger
from dcanas.search.finalists import none_kept, train_and_read
from dcanas.search.halving.halving_settings import HalvingSettings
from dcanas.search.halving.rungs import FineTuning, Tuning, halve, rungs, stored_as
from dcanas.search.pool import Candidate
from dcanas.search.task import SearchTask, Target
from dcanas.search.trust import (
    BY_HEART,
    NOTHING,
    RANDOM,
    by_heart_words,
    learning,
    none_learnt,
    random_members,
    trust,
)
from dcanas.spaces import Architecture, Space
from dcanas.training import Dataset, Recipe

BEGUN = "begun.pt"  # state of the chosen network's training, from which its final training goes on
FOLDER = "short-training"
RUNGS = 3
TOLD = ("sum of the ranks by {judge} and by losses of a training that the worse half leaves on every rung",
        "losses of a training that the worse half leaves on every rung")


def choose_by_rungs(task: SearchTask, target: Target, folder: Path, judge: str, remedy: str,
                    pool: Sequence[Candidate]) -> tuple[Architecture, dict[str, Any]]:
    """Return one of the first of a pool, best first, and the reasons; its training so far is kept as `begun.pt`.

    Args:
        task: its settings `tried` (networks of the first rung) and `tried_epochs` (after which the worse half is
            dropped) decide.
        target: the device, whose limits are verified before anything is trained.
        folder: of the device's results; every training is stored there before it is used.
        judge: in words, what ordered the pool.
        remedy: what helps if no candidate keeps the measured limits.

    Raises:
        UserError: no candidate keeps the measured limits, or none learns.
    """
    settings, space, refused = task.settings, task.space, list[dict[str, Any]]()
    broken, seen = partial(target.latency.broken, budget=target.budget), set[Hashable]()

    def first(archs: Iterable[Architecture], wanted: int) -> list[Architecture]:
        found: list[Architecture] = []
        for arch in archs:
            if len(found) == wanted:
                break
            if space.function(arch) in seen:
                continue
            seen.add(space.function(arch))
            if limits := broken(arch):
                refused.append({"architecture": space.format(arch), "broken": limits})
            else:
                found.append(arch)
        return found

    chosen = first((candidate.architecture for candidate in pool), settings.tried)
    if not chosen:
        raise none_kept(refused, remedy)
    drawn = first(random_members(task, target), RANDOM) if len(chosen) > 1 else []
    training = ShortTraining.of(task, folder / FOLDER)
    stored = Ledger(folder / "finalists.json")
    plan = partial(rungs, HalvingSettings(first_epochs=settings.tried_epochs), epochs=longest(settings, task.recipe))
    epochs = plan(len(chosen))[0][1]
    why: dict[str, Any] = {}
    if drawn:
        halve([*chosen, *drawn], [(len(chosen) + len(drawn), epochs)], training.together(task), space.format, stored)
        why["trust"] = trust(*([stored[stored_as(space.format(arch), epochs)] for arch in archs]
                               for archs in (chosen, drawn)))
        task.hooks.message(why["trust"]["text"])
    trusted = not drawn or why["trust"]["trusted"]
    left = chosen if trusted else [*chosen, *drawn]
    for arch in drawn if trusted else ():
        training.drop(arch)
    learnt = learning(task.dataset, task.recipe, plan(len(left))[-1][1])
    best, made = halve(left, plan(len(left)), training.together(task), space.format, stored, training.drop,
                       partial(order, judged=chosen if trusted else (), learnt=learnt))
    last = {row["architecture"]: {**row, "epochs": rung["epochs"]} for rung in made for row in rung["networks"]}
    if learnt(last[space.format(best)]) == NOTHING:
        raise none_learnt(list(last.values()))
    if learnt(last[space.format(best)]) == BY_HEART:
        task.hooks.message(by_heart_words(list(last.values())))
    training.keep(best, folder / BEGUN)
    known, worst = {candidate.architecture: candidate for candidate in pool}, min(each.score for each in pool)
    rows = [known.get(arch, Candidate(arch, worst, "random")) for arch in left]
    begun = {"epochs": made[-1]["epochs"], "key": begun_key(space, best, task.dataset, task.recipe, task.skeleton)}
    return best, {
        **why, "decided_by": "only one candidate left" if len(left) == 1 else
        TOLD[0].format(judge=judge) if trusted else TOLD[1],
        "finalists": [{"score": row.score, "origin": row.origin, "named_by": "judge" if row.architecture in chosen
                       else "chance", **last[space.format(row.architecture)]} for row in rows],
        "refused_by_measurement": refused, **({"begun": begun} if begun["epochs"] < task.recipe.epochs else {})}


def longest(settings: Any, recipe: Recipe) -> int:
    """Return the epochs of the last rung: at most half of the recipe's, so that the rest goes on with all images.

    settings: of the search.
    """
    wanted: int = (1 << RUNGS - 1) * settings.tried_epochs
    return max(1, min(wanted, recipe.epochs // 2))


def trainings(settings: Any, recipe: Recipe) -> int:
    """Return the epochs of all trainings of `choose_by_rungs` together.

    settings: of the search.
    """
    if not settings.tried_epochs:
        return 0
    total: int = 0
    before = 0
    for count, trained in rungs(HalvingSettings(first_epochs=settings.tried_epochs), settings.tried,
                                longest(settings, recipe)):
        total, before = total + (count + RANDOM * (before == 0)) * (trained - before), trained
    return total


def order(found: Mapping[Architecture, dict[str, Any]], judged: Sequence[Architecture],
          learnt: Callable[[Mapping[str, Any]], float]) -> list[Architecture]:
    """Return the networks of a rung, best first; those that have learnt less come last.

    Args:
        found: with the `validation_loss` and the `training_loss` so far of each.
        judged: the networks in the judge's order, or none if training alone decides.
        learnt: see `learning`.
    """
    archs = list(found)
    losses = rankdata([found[arch]["validation_loss"] for arch in archs]) + \
        rankdata([found[arch]["training_loss"] for arch in archs])
    total = rankdata(losses) + (rankdata([judged.index(arch) for arch in archs]) if judged else 0)
    place = dict(zip(archs, zip(total, losses, strict=True), strict=True))
    return sorted(archs, key=lambda arch: (-learnt(found[arch]), *place[arch]))


def begun_key(space: Space, arch: Architecture, dataset: Dataset, recipe: Recipe, skeleton: Mapping[str, Any]) -> str:
    """Return a hash of what a training that goes on from a short one must have in common with it."""
    return key_of(space.format(arch), space.complete_skeleton(dict(skeleton)), dataset.fit_key, recipe, recipe.files())


def begun_training(folder: Path, derived: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """Return the state from which the training of a derived network goes on; None: it has none.

    Args:
        folder: with `begun.pt`, if there is one.
        derived: what `choose_by_rungs` told, `architecture.json`.
        key: see `begun_key`, of the training that is to go on.
    """
    begun = derived.get("provenance", {}).get("begun")
    if begun is None or begun["key"] != key or not (folder / BEGUN).is_file():
        return None
    return load_weights(folder / BEGUN)


class ShortTraining(FineTuning):
    """Trains members from random weights along the recipe's schedule, one rung after the other."""

    note = "short trainings"

    def __call__(self, item: Tuning, hooks: Hooks, device: str) -> dict[str, Any]:
        """Return what `validate` does after so many epochs, the sum of their training losses, and the last one."""
        found, history = train_and_read(self.space, self.dataset, self.recipe, self.seed, item.architecture, hooks,
                                        skeleton=self.skeleton, device=device, folder=self.place(item.architecture),
                                        until=item.epochs)
        return {**found, "training_loss": sum(row["loss"] for row in history),
                "last_training_loss": history[-1]["loss"]}

    def keep(self, arch: Architecture, path: Path) -> None:
        """Keep the newest checkpoint of a network as a file of its own, and no other."""
        newest = max(self.place(arch).glob("step-*.pt"), default=None)
        if newest is not None:
            write_bytes(path, newest.read_bytes())
        shutil.rmtree(self.folder, ignore_errors=True)
