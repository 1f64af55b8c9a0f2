"""Differentiable search: alphas under the limits of all devices, then derivation for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, linear_counts
from dcanas.search.derive import Derived, derive
from dcanas.search.gradient.differentiable import SearchResult, search
from dcanas.search.gradient.lookup_graph import build, over_limits, tightened
from dcanas.search.gradient.strategies import strategies
from dcanas.search.methods import SearchMethod
from dcanas.search.selection import by_short_training, by_vote, finalists_effort, first_kept, recorded
from dcanas.search.task import SearchTask, Target
from dcanas.search.verified import derive_verified
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
        return settings.epochs * (supernet.base + mixed) + finalists_effort(task, macs)

    def key(self, task: SearchTask) -> Sequence[Any]:
        return [*super().key(task), *([] if task.start is None else [str(task.start)])]

    def run(self, task: SearchTask) -> dict[str, Any]:
        budget, _ = task.limits
        if task.settings.constraint == "lookup_graph" and budget:
            graph = build(lambda factor: self._point(task, factor), task.folder / "lookup_graph.json")
            budget = tightened(graph, budget)
        settings = task.settings if task.start is None else task.settings.continued()
        result = self._search(task, budget, settings, task.folder)
        return {"alphas": result.alphas, "scores": result.scores, "history": result.history,
                "budget": dict(task.limits[0])}

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        settings, hooks = task.settings, task.hooks
        predictor = target.latency.predictor
        verify = partial(target.broken, predicted=False)  # what is predicted is measured pick by pick, below
        select = None
        if settings.finalist_epochs:
            select = by_short_training(task, target, folder, hooks, verify, voted=bool(settings.rerank))
        elif settings.rerank:
            select = first_kept(task.space, "vote of training-free scores", verify, "give search.pool more candidates")
        if select is not None:
            select = recorded(task.space, target, folder, select)
        if settings.rerank and select is not None:
            select = by_vote(task, target, folder, hooks, select)
        known = {"input_shape": task.dataset.shape, "num_classes": len(task.dataset.classes), "dtype": target.dtype,
                 "pool_size": settings.pool, "selector": select, "seed": task.seed, **task.skeleton}
        if predictor is None:
            return derive(task.space, found["scores"], target.budget, costs=target.costs, **known)
        derived, _ = derive_verified(task.space, found["scores"], target.budget, predictor, target.latency.ask,
                                     costs=[cost for cost in target.costs if cost is not predictor],
                                     source=target.latency.verified_by, **known)
        return derived

    def _search(self, task: SearchTask, budget: Budget, settings: Any, folder: Path | None) -> SearchResult:
        return search(task.space, task.dataset, budget, task.limits[1], settings, task.recipe, task.seed, folder=folder,
                      skeleton=dict(task.search_skeleton), split_seed=task.split_seed, device=task.device,
                      hooks=task.hooks, start=task.start, ranks=task.ranks)

    def _point(self, task: SearchTask, factor: float) -> Any:
        """Search under the limits times `factor` and return by how much what is derived without limits breaks them."""
        budget, costs = task.limits
        scaled = Budget({name: factor * limit for name, limit in budget.items()})
        result = self._search(task, scaled, task.settings, None)
        derived = derive(task.space, result.scores, Budget(), task.dataset.shape, len(task.dataset.classes),
                         **task.skeleton)
        return over_limits(costs, budget, derived.architecture)
