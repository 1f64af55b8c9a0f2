"""The ways to propose slices within the limits of a device; those that are proposed are judged by inherited loss."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import numpy as np

from dcanas.basics.keys import derive_seed
from dcanas.costs.feasibility import select_costs
from dcanas.pretrained import PretrainedParts
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import evolve
from dcanas.search.slices.alphas import learnt_alphas
from dcanas.search.slices.frames import Frame
from dcanas.search.slices.greedy import shrink
from dcanas.search.slices.programme import FrameLimits, Scores, no_scores
from dcanas.search.slices.quick_loss import QuickLoss
from dcanas.search.slices.sensitivities import sensitivities
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Architecture
from dcanas.supernet import ElasticSupernet

Judge = Callable[[Architecture], dict[str, Any]]  # returns validation_accuracy and validation_loss


def propose(supernet: ElasticSupernet, frames: Sequence[Frame], task: SearchTask, target: Target, judge: Judge,
            stored: MutableMapping[str, dict[str, Any]]) -> list[Architecture]:
    """Return slices within the limits of a device by rising inherited loss.

    Args:
        frames: where slices are looked for.
        judge: evaluates a slice with the weights that it inherits.
        stored: what `judge` returned, by notation; none is repeated.
    """
    if task.settings.choose == "evolution":
        return _evolved(frames, task, target, judge, stored)
    found = list(dict.fromkeys(WAYS[task.settings.choose](supernet, frames, task, target)))
    for done, arch in enumerate(found, start=1):
        if task.space.format(arch) not in stored:
            stored[task.space.format(arch)] = judge(arch)
        task.hooks.progress(done, len(found), "slices judged")
    return sorted(found, key=lambda arch: float(stored[task.space.format(arch)]["validation_loss"]))


def _by_sensitivities(supernet: ElasticSupernet, frames: Sequence[Frame], task: SearchTask,
                      target: Target) -> list[Architecture]:
    """Return the best slices of every frame by the sum of their options' losses."""
    scores = option_scores(supernet, frames, task)
    return [arch for frame in frames
            for arch in FrameLimits(frame, target).best(scores[frame.stages], _each(frames, task))]


def option_scores(supernet: ElasticSupernet, frames: Sequence[Frame], task: SearchTask) -> dict[int, Scores]:
    """Return the sensitivities of every number of stages, at images of the middle size."""
    middle, scores = middle_frames(frames), {}
    for stages, frame in middle.items():
        scores[stages] = sensitivities(frame, QuickLoss(supernet, frame, task))
        task.hooks.progress(len(scores), len(middle), "cuts whose options were tried one by one")
    return scores


def _by_alphas(supernet: ElasticSupernet, frames: Sequence[Frame], task: SearchTask,
               target: Target) -> list[Architecture]:
    """Return the most likely slices of every frame."""
    limits = [FrameLimits(frame, target) for frame in frames]
    scores = learnt_alphas(supernet, limits, task)
    return [arch for each, rows in zip(limits, scores, strict=True) for arch in each.best(rows, _each(frames, task))]


def _by_shrinking(supernet: ElasticSupernet, frames: Sequence[Frame], task: SearchTask,
                  target: Target) -> list[Architecture]:
    """Return one slice for every number of stages (see `shrink`)."""
    middle = middle_frames(frames).values()
    found = [shrink(frame, FrameLimits(frame, target), QuickLoss(supernet, frame, task)) for frame in middle]
    return [arch for arch in found if arch is not None]


def _at_random(supernet: ElasticSupernet, frames: Sequence[Frame], task: SearchTask,
               target: Target) -> list[Architecture]:
    """Return slices of random frames that are best by random scores."""
    rng = np.random.default_rng(derive_seed(task.seed, "random slices"))
    limits = [FrameLimits(frame, target) for frame in frames]
    found = []
    for _ in range(task.settings.evaluations):
        each = limits[int(rng.integers(len(limits)))]
        scores = [np.where(row == -np.inf, row, rng.random(len(row))) for row in no_scores(each.frame)]
        found += each.best(scores)
    return found


def _evolved(frames: Sequence[Frame], task: SearchTask, target: Target, judge: Judge,
             stored: MutableMapping[str, dict[str, Any]]) -> list[Architecture]:
    """Return what evolution meets, over all frames."""
    evaluations = task.settings.evaluations
    population = max(2, evaluations // 3)
    settings = ElasticSettings(evaluations=evaluations, population=population, tournament=max(1, population // 4))
    assert isinstance(task.space, PretrainedParts)
    met = evolve(task.space.of_sides(sorted({frame.side for frame in frames})),
                 select_costs(target.costs, target.budget), target.budget, judge, settings, task.seed, stored=stored,
                 hooks=task.hooks, by_loss=True)
    return [each.architecture for each in sorted(met, key=lambda each: each.scores, reverse=True)]


def _each(frames: Sequence[Frame], task: SearchTask) -> int:
    """Return how many slices of every frame are proposed."""
    return max(1, int(task.settings.evaluations) // len(frames))


def middle_frames(frames: Sequence[Frame]) -> dict[int, Frame]:
    """Return, for every number of stages, the frame whose images are of the middle size."""
    by_stages: dict[int, list[Frame]] = {}
    for frame in sorted(frames, key=lambda frame: frame.side):
        by_stages.setdefault(frame.stages, []).append(frame)
    return {stages: found[len(found) // 2] for stages, found in by_stages.items()}


WAYS: dict[str, Callable[[ElasticSupernet, Sequence[Frame], SearchTask, Target], list[Architecture]]] = {
    "sensitivities": _by_sensitivities, "alphas": _by_alphas, "greedy": _by_shrinking, "random": _at_random}
