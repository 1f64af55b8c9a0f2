"""Differentiable search: alphas under the limits of all devices, then derivation for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, linear_counts
from dcanas.search.derive import Derived, derive
from dcanas.search.gradient.differentiable import SearchResult, search
from dcanas.search.gradient.lookup_graph import Point, build, over_limits, tightened
from dcanas.search.gradient.strategies import strategies
from dcanas.search.methods import SearchMethod
from dcanas.search.selection import BY_RANKS, choose_candidate, choose_reranked
from dcanas.search.task import SearchTask, Target
from dcanas.search.verified import MOST, TRIES, derive_verified
from dcanas.spaces import Space


class GradientSearch(SearchMethod):
    """A supernet whose alphas are optimised by gradient under several limits (`differentiable.search`)."""

    results = ("scores.json",)
    read_by_derive = ("pool", "finalists", "finalist_epochs", "rerank", "rerank_again", "rerank_batch_size",
                      "rerank_evaluations")
    distributed = True

    def check(self, space: Space, settings: Any) -> None:
        if type(space).assemble is Space.assemble:
            remedy = "use search=elastic" if space.elastic else "choose another space"
            raise UserError(f"Space {space.name} has no supernet that mixes candidates by slot, which "
                            f"search={settings.name} trains; {remedy}.")
        strategies[settings.strategy](space, settings)

    def effort(self, task: SearchTask, macs: float) -> float:
        settings = task.settings
        supernet = linear_counts(task.space, task.dataset.shape, len(task.dataset.classes),
                                 **task.search_skeleton)["macs"]
        mixed = sum(sum(row) for row in supernet.table) / (settings.bottleneck * settings.partial_channels)
        return float(settings.epochs * (supernet.base + mixed))

    def run(self, task: SearchTask) -> dict[str, Any]:
        budget, costs = task.limits
        limits = budget
        settings = task.settings if task.start is None else task.settings.continued()
        searched = partial(search, task.space, task.dataset, costs=costs, recipe=task.recipe, seed=task.seed,
                           skeleton=dict(task.search_skeleton), split_seed=task.split_seed, device=task.device,
                           hooks=task.hooks, start=task.start, ranks=task.ranks)
        if settings.constraint == "lookup_graph" and budget:
            limits = tightened(build(partial(_point, task, searched), task.folder / "lookup_graph.json"), budget)
        result = searched(budget=limits, settings=settings, folder=task.folder)
        return {"alphas": result.alphas, "scores": result.scores, "history": result.history, "budget": dict(budget)}

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        settings, predictor, select = task.settings, target.latency.predictor, None
        if settings.finalist_epochs or settings.rerank:  # what is predicted is measured pick by pick, below
            select = partial(choose_candidate, task, target, folder, BY_RANKS, "increase search.pool", predicted=False,
                             ranked=bool(settings.rerank))
        if settings.rerank and select is not None:
            select = partial(choose_reranked, task, target, folder, select)
        known = {"input_shape": task.dataset.shape, "num_classes": len(task.dataset.classes), "dtype": target.dtype,
                 "pool_size": settings.pool, "selector": select, "seed": task.seed, **task.skeleton}
        if predictor is None:
            return derive(task.space, found["scores"], target.budget, costs=target.costs, **known)
        derived, _ = derive_verified(task.space, found["scores"], target.budget, predictor, target.latency.ask,
                                     costs=[cost for cost in target.costs if cost is not predictor],
                                     source=target.latency.decided_by["latency_ms"],
                                     most=TRIES if settings.finalist_epochs else MOST, **known)
        task.hooks.message(f"{derived.provenance['measured']} measurements, ended by "
                           f"{derived.provenance['stopped_by']}")
        return derived


def _point(task: SearchTask, searched: Callable[..., SearchResult], factor: float) -> Point:
    """Search under the limits times `factor`; return the costs of what is then derived freely, over the limits."""
    budget, costs = task.limits
    scaled = Budget({name: factor * limit for name, limit in budget.items()})
    result = searched(budget=scaled, settings=task.settings)
    derived = derive(task.space, result.scores, Budget(), task.dataset.shape, len(task.dataset.classes),
                     **task.skeleton)
    return over_limits(costs, budget, derived.architecture)
