"""How one candidate is chosen from a pool: by score, by the ranks of training-free scores, by short training of a few.

With its first arguments bound, each function is a `Selector`. Measured limits are verified on the exported, untrained
network before anything is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from dcanas.basics.fan_out.engine import LOCAL
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.files import write_json
from dcanas.basics.ledger import Ledger
from dcanas.basics.machine import keep_freed_memory
from dcanas.proxies.table import StoredScorer, values_of
from dcanas.search.derive import Selector
from dcanas.search.finalists import BriefTraining, choose_finalist, none_kept
from dcanas.search.pool import Candidate, sizes_of
from dcanas.search.rerank import reranked, reranked_again
from dcanas.search.scoring import make_scoring
from dcanas.search.task import SearchTask, Target
from dcanas.search.trust import learning, random_members
from dcanas.spaces import Architecture

BY_RANKS = "rank aggregation of training-free scores"


def choose_candidate(task: SearchTask, target: Target, folder: Path, order: str, remedy: str,
                     pool: Sequence[Candidate], *, predicted: bool = True, ranked: bool = False,
                     inherit: Callable[[nn.Module], None] | None = None
                     ) -> tuple[Architecture, dict[str, Any]]:
    """Return one of a pool and the reasons: by short training of the finalists, or the first within measured limits.

    The pool is stored in `pool.json`, with the costs of every candidate, for the report.

    Args:
        task: its settings `finalists` and `finalist_epochs` decide; without either the first candidate is taken.
        target: the device, whose limits are verified.
        folder: of the device's results.
        order: what the pool is ordered by, for the provenance.
        remedy: what helps if no candidate keeps the measured limits, such as "increase search.pool".
        predicted: whether limits on predicted costs are verified too.
        ranked: a candidate's score is an aggregated rank, which then decides together with the short training.
        inherit: gives a network the weights that its training starts from, in place; it stays in this process.
    """
    settings, space = task.settings, task.space
    write_pool(task, target, folder, pool)
    verify = partial(target.latency.broken, budget=target.budget, predicted=predicted)
    if getattr(settings, "finalist_epochs", 0):
        work = BriefTraining(space, task.dataset, task.recipe, settings.finalist_epochs, task.seed, task.skeleton,
                             inherit)
        engine = task.engine if inherit is None else replace(task.engine, name=LOCAL, workers=1)

        def examine(archs: Mapping[str, Architecture], done: int, total: int) -> Iterator[tuple[str, dict[str, Any]]]:
            return fan_out(engine, work, archs, folder, task.hooks, "finalists trained", device=str(task.device),
                           done=done, total=total)

        return choose_finalist(space, settings.finalists, sizes_of(target.costs), examine, pool, verify=verify,
                               stored=Ledger(folder / "finalists.json"), hooks=task.hooks, ranked=ranked,
                               control=random_members(task, target),
                               learnt=learning(task.dataset, task.recipe, settings.finalist_epochs),
                               remedy=remedy)
    refused: list[dict[str, Any]] = []
    for candidate in pool:
        broken = verify(candidate.architecture)
        if not broken:
            return candidate.architecture, {"decided_by": order, "refused_by_measurement": refused}
        refused.append({"architecture": space.format(candidate.architecture), "broken": broken})
    raise none_kept(refused, remedy)


def write_pool(task: SearchTask, target: Target, folder: Path, pool: Sequence[Candidate]) -> None:
    """Store a pool in `pool.json`, with the costs of every candidate, for the report."""
    write_json(folder / "pool.json", [
        {"architecture": task.space.format(c.architecture), "score": c.score, "origin": c.origin,
         "costs": {cost.name: cost.value(c.architecture) for cost in target.costs}} for c in pool])


def choose_reranked(task: SearchTask, target: Target, folder: Path, select: Selector,
                    pool: Sequence[Candidate]) -> tuple[Architecture, dict[str, Any]]:
    """Order a pool by the ranks of training-free scores and hand it to `select`; return its choice and the reasons.

    Random members are ranked beside the pool until `rerank_evaluations` networks are scored (`search.rerank`); every
    score is stored in `folder` before it is used.
    """
    settings = task.settings
    scoring = partial(make_scoring, task, batch_size=min(settings.rerank_batch_size, len(task.dataset.train)))
    first, second = scoring(settings.rerank), scoring(settings.rerank_again)  # refuses what cannot be scored, now
    keep_freed_memory()
    row_of = StoredScorer(first, folder / "rerank.jsonl", task.engine)
    best = reranked(task.space, target.budget, target.costs, pool, lambda arch: values_of(row_of(arch)),
                    settings.rerank, evaluations=settings.rerank_evaluations, seed=task.seed, hooks=task.hooks,
                    prepare=row_of.prepare)
    names = {"reranked_by": list(settings.rerank), "scored": len(best)}
    if settings.rerank_again:
        row_again = StoredScorer(second, folder / "rerank_again.jsonl")
        best = reranked_again(task.space, best, lambda arch: values_of(row_again(arch)), settings.rerank_again,
                              sizes=sizes_of(target.costs), hooks=task.hooks)
        names["voted_again_by"] = list(settings.rerank_again)
    arch, why = select(best)
    return arch, {**why, **names}
