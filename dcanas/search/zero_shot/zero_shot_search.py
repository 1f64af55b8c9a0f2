"""Search by training-free scores: networks within the budgets are scored, and ranked for every device.

In NAS-Bench-201 the accuracies that others have published may judge instead (`dcanas.proxies.prior`): of all members
within a device's limits, at once, so `run` leaves nothing to be scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Part
from dcanas.basics.keys import plain
from dcanas.basics.machine import keep_freed_memory
from dcanas.costs.members import as_architecture
from dcanas.proxies.prior import check_known, prior_for
from dcanas.proxies.table import StoredScorer, values_of
from dcanas.search.derive import Derived, costs_of
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.first_few import choose_by_rungs, trainings
from dcanas.search.methods import SearchMethod
from dcanas.search.pool import Candidate
from dcanas.search.scoring import check_scored, make_scoring
from dcanas.search.selection import BY_RANKS, choose_candidate, write_pool
from dcanas.search.task import SearchTask, Target
from dcanas.search.zero_shot.loop import aggregated, zero_shot
from dcanas.search.zero_shot.zero_shot_settings import PRIOR
from dcanas.spaces import Architecture, Space

BY_PRIOR = "accuracies published for other images (the prior)"
REMEDY = "increase search.pool"


class ZeroShotSearch(SearchMethod):
    """Training-free scores of networks within the budgets, ranked again for every device within its own limits."""

    results = ("scores.json",)
    read_by_derive = ("pool", "tried", "tried_epochs", "aggregate")
    scores_final_networks = True

    def check(self, space: Space, settings: Any) -> None:
        if settings.by_prior:
            check_known(space)
        check_scored(space)

    def key(self, task: SearchTask) -> Sequence[Any]:
        made_with = {name: value for name, value in plain(task.settings).items()
                     if name not in ("pool", "tried", "tried_epochs")}
        return [task.skeleton, made_with, {target.name: dict(target.budget) for target in task.targets}]

    def effort(self, task: SearchTask, macs: float) -> float:
        return float(len(task.targets) * trainings(task.settings, task.recipe) * macs)

    def run(self, task: SearchTask) -> dict[str, Any]:
        settings = task.settings
        if settings.by_prior:
            return {"names": [PRIOR], "networks": []}
        keep_freed_memory()
        scoring = make_scoring(task, settings.names, settings.batch_size)
        row_of = StoredScorer(scoring, task.folder / "networks.jsonl", task.engine)
        rows: dict[Architecture, dict[str, Any]] = {}

        def score(arch: Architecture) -> dict[str, float]:
            rows[arch] = row_of(arch)
            return values_of(rows[arch])

        for number, target in enumerate(task.targets):
            zero_shot(task.space, target.budget, score, target.costs, settings, task.seed, prepare=row_of.prepare,
                      hooks=Part(task.hooks, number, len(task.targets)) if len(task.targets) > 1 else task.hooks)
        return {"names": list(settings.names), "networks": [
            {name: row[name] for name in ("architecture", "scores", "status")} for row in rows.values()]}

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        settings, space = task.settings, task.space
        if settings.by_prior:
            return _by_prior(task, target, folder)
        scored = [(space.parse(row["architecture"]), row) for row in found["networks"]]
        within = [(arch, row) for arch, row in scored if target.allows(arch)]
        if not within:
            raise UserError(f"None of the {len(scored):,} networks scored is within the budget of {target.name}; "
                            "loosen it, or search again under it (without source=).")
        ranks = aggregated([values_of(row) for _, row in within], settings.names, settings.aggregate)
        order = np.argsort(-ranks, kind="stable")[:settings.pool]
        pool = [Candidate(within[i][0], float(ranks[i]), settings.strategy) for i in order]
        arch, why = _choose(task, target, folder, BY_RANKS, pool)
        return Derived(arch, costs_of(arch, target.costs), {
            "method": f"zero-shot search: {settings.strategy}", "evaluated": len(found["networks"]),
            "within": len(within), "votes": list(settings.names), "aggregate": settings.aggregate,
            **scores_of(arch, within), "pool": len(pool), **why})


def scores_of(arch: Architecture, scored: Sequence[tuple[Architecture, dict[str, Any]]]) -> dict[str, Any]:
    """Return the scores of a network as `provenance` has them; nothing for a random member, which was never scored."""
    return next(({"scores": row["scores"]} for other, row in scored if other == arch), {})


def _choose(task: SearchTask, target: Target, folder: Path, judge: str,
            pool: Sequence[Candidate]) -> tuple[Architecture, dict[str, Any]]:
    """Return one of a pool, best first: the first, or by short training of the first few (see `choose_by_rungs`)."""
    if not task.settings.tried_epochs:
        return choose_candidate(task, target, folder, judge, REMEDY, pool)
    write_pool(task, target, folder, pool)
    return choose_by_rungs(task, target, folder, judge, REMEDY, pool)


def _by_prior(task: SearchTask, target: Target, folder: Path) -> Derived:
    prior = prior_for(task.dataset.name, task.dataset.classes)
    choices = FeasibleMembers(task.space, target.budget, target.costs, task.seed).listed()
    values = prior.values(choices)
    task.hooks.message(f"{target.name}: {len(choices):,} networks within the limits, ranked by accuracies published "
                       f"for {' and '.join(prior.data)}.")
    pool = [Candidate(as_architecture(task.space, choices[i]), float(values[i]), PRIOR)
            for i in np.argsort(-values, kind="stable")[:task.settings.pool]]
    arch, why = _choose(task, target, folder, BY_PRIOR, pool)
    return Derived(arch, costs_of(arch, target.costs), {
        "method": "zero-shot search: all members within the limits", "evaluated": len(choices), "within": len(choices),
        "votes": [PRIOR], "fitted_to": list(prior.data), "pool": len(pool),
        "scored_by": "prior: log odds of the rank by published accuracies", **why})
