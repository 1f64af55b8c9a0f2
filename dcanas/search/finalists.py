"""The finalists of a pool: each is trained briefly, and the accuracy on images that no search has seen decides.

A separable score ranks poorly near the top, so it does not decide alone: the finalists are the best of the pool by
score and, beside them, the largest feasible ones by parameters and by MACs (over all true NAS-Bench-201 accuracies the
number of parameters ranks better than most searches do). All are trained by the same short recipe on the training
split; the accuracy on the validation split, which neither weights nor alphas of the search have seen, decides. If
training-free scores ordered the pool, they count too: a training short enough to be affordable ranks worse near the top
than they do (docs/results.md), so the sum of both ranks decides, unless random members that are trained beside the
finalists are no worse (`dcanas.search.trust`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed
from dcanas.costs import CostModel
from dcanas.export.classifier import Classifier, Normalise
from dcanas.search.adversarial import adversarial_attack
from dcanas.search.pool import Candidate
from dcanas.search.trust import BY_HEART, LEARNT, NOTHING, RANDOM, by_heart_words, none_learnt, trust
from dcanas.search.validation import validate
from dcanas.spaces import Architecture, Space
from dcanas.training import Dataset, Recipe, train

Examine = Callable[[Mapping[str, Architecture], int, int], Iterator[tuple[str, dict[str, Any]]]]  # done, of total
Verify = Callable[[Architecture], list[str]]  # names of the limits that are broken when measured


def nominate(pool: Sequence[Candidate], count: int, sizes: Sequence[CostModel]) -> list[tuple[Candidate, str]]:
    """Return the pool in the order in which candidates may become finalists, each with the list that named it.

    The lists take turns: score, score, then each of `sizes` from the largest down, and again.
    """
    lists = {"score": sorted(pool, key=lambda c: -c.score)}
    for cost in sizes:
        lists[f"largest {cost.name}"] = sorted(pool, key=lambda c: (-cost.value(c.architecture), -c.score))
    turns = ["score", *lists]
    ordered: dict[Candidate, str] = {}
    positions = dict.fromkeys(lists, 0)
    while len(ordered) < min(count, len(pool)):
        for name in turns:
            while positions[name] < len(pool) and lists[name][positions[name]] in ordered:
                positions[name] += 1
            if positions[name] < len(pool):
                ordered[lists[name][positions[name]]] = name
    return list(ordered.items())


def short_training(space: Space, dataset: Dataset, recipe: Recipe, epochs: int, seed: int, arch: Architecture,
                   hooks: Hooks = QUIET, *, skeleton: Mapping[str, Any], device: str | torch.device = "cpu",
                   inherit: Callable[[nn.Module], None] = lambda network: None) -> dict[str, Any]:
    """Train an architecture briefly; return `validation_accuracy` (0 to 1), `validation_loss`, `last_training_loss`.

    With the same seed all architectures see the same images in the same order.

    Args:
        recipe: of the full training; its warm-up is shortened to a quarter of the epochs.
        hooks: receive every step; asked after every step whether to stop.
        skeleton: of the final network.
        inherit: gives a network other initial weights, in place.
    """
    short = replace(recipe, epochs=epochs, warmup_epochs=min(recipe.warmup_epochs, epochs / 4))
    found, history = train_and_read(space, dataset, short, derive_seed(seed, "finalist"), arch, hooks,
                                    skeleton=skeleton, device=device, inherit=inherit)
    return {**found, "last_training_loss": history[-1]["loss"]}


@dataclass(frozen=True)
class BriefTraining:
    """Trains an architecture briefly (see `short_training`): the work of a task."""

    space: Space
    dataset: Dataset
    recipe: Recipe
    epochs: int
    seed: int
    skeleton: Mapping[str, Any]
    inherit: Callable[[nn.Module], None] | None = None

    def __call__(self, arch: Architecture, hooks: Hooks, device: str) -> dict[str, Any]:
        inherit = {} if self.inherit is None else {"inherit": self.inherit}
        return short_training(self.space, self.dataset, self.recipe, self.epochs, self.seed, arch, hooks,
                              skeleton=self.skeleton, device=device, **inherit)


def train_and_validate(space: Space, dataset: Dataset, recipe: Recipe, seed: int, arch: Architecture, hooks: Hooks, *,
                       skeleton: Mapping[str, Any], device: str | torch.device = "cpu",
                       inherit: Callable[[nn.Module], None] = lambda network: None, folder: Path | None = None,
                       until: int | None = None) -> dict[str, Any]:
    """Train an architecture on the training split, at its own image size, and return what `validate` does.

    Args:
        seed: of the first weights, the order of images and their augmentation.
        skeleton: of the final network.
        inherit: gives a network other initial weights, in place.
        folder, until: see `train`.
    """
    return train_and_read(space, dataset, recipe, seed, arch, hooks, skeleton=skeleton, device=device, inherit=inherit,
                          folder=folder, until=until)[0]


def train_and_read(space: Space, dataset: Dataset, recipe: Recipe, seed: int, arch: Architecture, hooks: Hooks, *,
                   skeleton: Mapping[str, Any], device: str | torch.device = "cpu",
                   inherit: Callable[[nn.Module], None] = lambda network: None, folder: Path | None = None,
                   until: int | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what `train_and_validate` does, and the rows of the training's epochs (see `train`)."""
    torch.manual_seed(seed)
    dataset = dataset.at(space.input_shape(arch, dataset.shape, **skeleton)[1:])
    network = space.build(arch, len(dataset.classes), dataset.shape[0], **skeleton)
    inherit(network)
    model = Classifier(Normalise(*dataset.moments), network)
    history = train(model, dataset, dataset.train, recipe, seed, folder=folder, hooks=hooks, device=device,
                    attack=adversarial_attack(recipe), until=until)
    return validate(model, dataset, device), history


def choose_finalist(space: Space, count: int, sizes: Sequence[CostModel], examine: Examine, pool: Sequence[Candidate],
                    *, verify: Verify = lambda arch: [], stored: MutableMapping[str, dict[str, Any]] | None = None,
                    hooks: Hooks = QUIET, ranked: bool = False, control: Iterable[Architecture] = (),
                    learnt: Callable[[Mapping[str, Any]], float] = lambda found: LEARNT,
                    remedy: str = "increase search.pool") -> tuple[Architecture, dict[str, Any]]:
    """Examine `count` finalists of a pool, which keep the measured limits; return the best and the reasons.

    Args:
        sizes: costs by each of which the largest candidates are nominated too.
        examine: trains candidates and yields the validation_accuracy (0 to 1) and validation_loss of each, by notation.
        verify: names the limits that a candidate breaks when measured; such a candidate is passed over.
        stored: examinations by notation (see `Ledger`), none of which is repeated.
        hooks: are told whether what ranked the candidates is to be trusted.
        ranked: a candidate's score is an aggregated rank; ranks by score and by examination decide together.
        control: random members, of which three are examined too if the candidates are ranked (see `trust`); without
            any, what ranked them is trusted.
        learnt: how much an examination shows to be learnt (see `trust.learning`); those that have learnt most are
            chosen from, and none that has learnt nothing.
        remedy: what helps if no candidate keeps the measured limits.

    Raises:
        UserError: no candidate of the pool keeps the measured limits, or none learns.
    """
    examined = {} if stored is None else stored
    refused: list[dict[str, Any]] = []
    seen: set[Architecture] = set()  # two codes of one class are the same network: training both adds nothing
    total = count + RANDOM * ranked

    def try_out(candidates: Iterable[tuple[Candidate, str]], wanted: int, done: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for candidate, named_by in candidates:
            if len(found) == wanted:
                break
            if space.canonical(candidate.architecture) in seen:
                continue
            seen.add(space.canonical(candidate.architecture))
            text = space.format(candidate.architecture)
            if broken := verify(candidate.architecture):
                refused.append({"architecture": text, "broken": broken})
                continue
            found.append({"architecture": text, "score": candidate.score, "named_by": named_by,
                          "origin": candidate.origin})
        missing = {row["architecture"]: space.parse(row["architecture"]) for row in found
                   if row["architecture"] not in examined}
        for text, result in examine(missing, done + len(found) - len(missing), total):
            examined[text] = result
        return [{**row, **examined[row["architecture"]]} for row in found]

    finalists = try_out(nominate(pool, len(pool), sizes), count, 0)
    if not finalists:
        raise none_kept(refused, remedy)
    why: dict[str, Any] = {}
    if ranked and len(finalists) > 1:
        worst = min(candidate.score for candidate in pool)
        drawn = try_out(((Candidate(arch, worst, "random"), "chance") for arch in control), RANDOM, len(finalists))
        if drawn:
            why["trust"] = trust(finalists, drawn)
            hooks.message(why["trust"]["text"])
            if not why["trust"]["trusted"]:
                finalists, ranked = finalists + drawn, False
    most = max(map(learnt, finalists))
    if most == NOTHING:
        raise none_learnt(finalists)
    if most == BY_HEART:
        hooks.message(by_heart_words(finalists))
    learning = [finalist for finalist in finalists if learnt(finalist) == most]
    best = max(learning, key=_trained)
    decided_by = "accuracy on the validation split after short training"
    if ranked:
        ranks = [sorted(learning, key=by) for by in (_trained, itemgetter("score"))]
        best = max(learning, key=lambda f: (sum(rank.index(f) for rank in ranks), f["score"]))
        decided_by = ("sum of the ranks by score before training and by accuracy on the validation split after short "
                      "training")
    return space.parse(best["architecture"]), {
        "decided_by": decided_by if len(finalists) > 1 else "only one candidate left",
        "finalists": finalists, "refused_by_measurement": refused, **why}


def none_kept(refused: Sequence[dict[str, Any]], remedy: str) -> UserError:
    """Return the error if measurement refused every candidate; refused: with the names of the limits `broken`."""
    names = sorted({name for each in refused for name in each["broken"]})
    return UserError(f"None of the {len(refused)} candidates keeps {', '.join(names)} when measured; loosen that limit "
                     f"or {remedy}.")


def _trained(finalist: dict[str, Any]) -> tuple[float, float]:
    return finalist["validation_accuracy"], -finalist["validation_loss"]
