"""Search by trials as a method of the pipeline: a study by one worker or many, of which derivation takes the best."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.samplers import NSGAIISampler

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed, key_of, plain
from dcanas.basics.mapping import flattened
from dcanas.basics.typed_path import typed_path
from dcanas.costs import Budget, CostModel
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.claims import Claims, worker_name
from dcanas.search.ask_tell.more_trials import ASKED, DATABASE, go_on_from_earlier
from dcanas.search.ask_tell.objectives import Objective, identity_of, objective_of
from dcanas.search.ask_tell.patience import Patience
from dcanas.search.ask_tell.proxy_sources import (
    NOISE,
    ProxySource,
    computed_sources,
    select_sources,
    table_sources,
)
from dcanas.search.ask_tell.storage import open_engine, open_study, sqlite_url
from dcanas.search.ask_tell.together import work_together
from dcanas.search.ask_tell.untold import Untold
from dcanas.search.ask_tell.worker import NSGA2, Worker, summary
from dcanas.search.derive import Derived, costs_of
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.methods import SearchMethod
from dcanas.search.pool import Candidate, sizes_of
from dcanas.search.scoring import make_scoring
from dcanas.search.selection import choose_candidate
from dcanas.search.task import SearchTask, Target


class StudySearch(SearchMethod):
    """Trials of single networks, proposed by a sampler from what was observed so far."""

    results = ("study.json",)
    read_by_derive = ("pool", "finalists", "finalist_epochs")
    grows = ("evaluations",)

    def effort(self, task: SearchTask, macs: float) -> float:
        settings = task.settings
        return macs * settings.evaluations * settings.epochs if settings.objective == "train" else 0.0

    def run(self, task: SearchTask) -> dict[str, Any]:
        with objective_of(task) as (objective, at_once):
            worker = make_worker(task, objective)
            work_together(lambda: replace(worker, name=worker_name()), at_once)
        worker.untold.close()
        found = {"budget": dict(task.limits[0]), "sampler": task.settings.sampler,
                 **worker.patience(lambda: summary(worker.study, worker.parameters))}
        if "complete" not in found["count"]:
            first = next((row["error"] for row in found["trials"] if "error" in row), "nothing was evaluated")
            raise UserError(f"None of the {len(found['trials'])} trials succeeded; the first one: {first.rstrip('.')}.")
        task.hooks.message("  trials: " + ", ".join(f"{n} {state}" for state, n in found["count"].items()))
        if len(found["trials"]) < task.settings.evaluations:
            task.hooks.message(f"  only {len(found['trials'])} of the {task.settings.evaluations} evaluations asked "
                               f"for were made: no other member of {task.space.name} is within the limits.")
        for row in found["trials"]:
            if row["state"] == "fail":
                task.hooks.message(f"  failed: {row['architecture']}: {row.get('error', 'its workers were lost')}")
        return found

    def derive(self, task: SearchTask, target: Target, found: dict[str, Any], folder: Path) -> Derived:
        settings, space = task.settings, task.space
        rows = [row for row in found["trials"] if row["state"] == "complete"]
        tried = sorted(((space.parse(row["architecture"]), row) for row in rows), key=lambda t: -t[1]["values"][0])
        pool = [Candidate(arch, row["values"][0], found["sampler"]) for arch, row in tried
                if target.allows(arch)][:settings.pool]
        if not pool:
            raise UserError(f"None of the {len(rows)} trials is within the budget of {target.name}; loosen it, or set "
                            "search.evaluations higher.")
        arch, why = choose_candidate(task, target, folder, "value of the trial", "increase search.evaluations", pool)
        row = next(row for other, row in tried if other == arch)
        return Derived(arch, costs_of(arch, target.costs), {
            "method": f"study: {found['sampler']}", "trials": found["count"], "within": len(pool),
            "value": row["values"][0], "chosen_in_trial": row["position"], "why": row.get("why"), **why})


def make_worker(task: SearchTask, objective: Objective) -> Worker:
    """Return a worker; raises `UserError` for a storage or limit that cannot be used."""
    settings, space, seed, (budget, costs) = task.settings, task.space, task.seed, task.limits
    exact = Budget({cost.name: budget[cost.name] for cost in costs if cost.source != "predicted"})
    predicted = [(cost, budget[cost.name]) for cost in costs if cost.source == "predicted"]
    known = {cost.name: cost for cost in (*task.targets[0].costs, *costs)}
    missing = [name for name in settings.front if name not in known]
    if missing:
        raise UserError(f"search.front names {missing[0]}, of which this run knows nothing (it knows "
                        f"{', '.join(known)}); state a limit on it, so that the device is asked.")
    candidates = Candidates(FeasibleMembers(space, exact, costs, seed), settings, _sources(task, list(known.values())),
                            identity_of(task), predicted)
    identity = {**dict(flattened(task.run_settings)), "data": task.dataset.fit_key,
                "limits": {name: round(value, 9) for name, value in budget.items()}}
    if task.storage is None:
        address = sqlite_url(task.folder / DATABASE)
        if go_on_from_earlier(task.folder, task.name, json.loads(json.dumps(plain(identity)))):
            task.hooks.message("  goes on from the trials that were made before")
    engine = open_engine(task.storage or address)
    sampler = NSGAIISampler(population_size=settings.population, seed=derive_seed(seed, NSGA2) % 2 ** 32)
    directions = ["maximize", *["minimize"] * len(settings.front)]
    patience = Patience(task.storage_patience_s, task.hooks)
    study = patience(lambda: open_study(engine, task.name, identity, directions, sampler))
    claims = patience(lambda: Claims(engine, task.name))
    return Worker(study, claims, candidates, objective, seed, costs=tuple(known.values()),
                  limits=dict(budget), objectives=settings.front, hooks=task.hooks, name=worker_name(),
                  untold=Untold(task.folder / "untold", f"{task.name} {key_of({**identity, ASKED: None})}"),
                  patience=patience)


def _sources(task: SearchTask, costs: list[CostModel]) -> list[ProxySource]:
    """Return the proxies asked for: counted sizes, columns of a table, or scores computed once."""
    settings, space = task.settings, task.space
    sizes = {cost.name: ProxySource(cost.name, cost.values) for cost in sizes_of(costs)}
    wanted = [name for name in settings.proxies if name not in sizes and not name.startswith(NOISE)]
    offered: dict[str, ProxySource] = {}
    if settings.scores == "table":
        offered = table_sources(typed_path(str(settings.score_table)), space)
    elif wanted:
        offered = computed_sources(make_scoring(task, wanted, settings.batch_size))
    return select_sources(settings.proxies, offered | sizes, task.seed)
