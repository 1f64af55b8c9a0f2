"""How one candidate is chosen from a pool: by score, by a vote of training-free scores, by short training of a few.

Each function returns a `Selector`; a search method composes those that it uses. Measured limits are verified on the
exported, untrained network before anything is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.basics.hooks import Hooks
from dcanas.basics.ledger import Ledger
from dcanas.basics.machine import keep_freed_memory
from dcanas.proxies.table import stored_scorer, values_of
from dcanas.search.derive import Selector
from dcanas.search.finalists import Verify, finalist_selector, short_training
from dcanas.search.pool import Candidate, sizes_of
from dcanas.search.rerank import reranked, voted_again
from dcanas.search.scoring import make_scoring
from dcanas.search.task import SearchTask, Target
from dcanas.spaces import Architecture, Space


def by_short_training(task: SearchTask, target: Target, folder: Path, hooks: Hooks, verify: Verify | None = None,
                      voted: bool = False, inherit: Callable[[nn.Module], None] = lambda network: None) -> Selector:
    """Return the selector that trains the last `finalists` candidates for `finalist_epochs` each.

    verify: names the limits that a candidate breaks when it is measured. voted: the pool is ordered by a vote, which
    then decides together with the training. inherit: gives a network the weights it starts from.
    """
    settings = task.settings
    examine = short_training(task.space, task.dataset, task.recipe, settings.finalist_epochs, task.seed,
                             skeleton=dict(task.skeleton), device=task.device, inherit=inherit)
    return finalist_selector(task.space, settings.finalists, sizes_of(target.costs), examine, verify=verify,
                             stored=Ledger(folder / "finalists.json"), hooks=hooks, voted=voted)


def finalists_effort(task: SearchTask, macs: float) -> float:
    """Return what the short training of all devices' finalists takes (see `SearchMethod.effort`)."""
    return len(task.targets) * task.settings.finalists * task.settings.finalist_epochs * macs


def first_kept(space: Space, decided_by: str, verify: Verify | None, remedy: str) -> Selector:
    """Return the selector of the first candidate that keeps the measured limits.

    decided_by: what the order of the pool is by. remedy: what helps if no candidate keeps them.
    """
    def select(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        refused: list[dict[str, Any]] = []
        for candidate in pool:
            broken = verify(candidate.architecture) if verify else []
            if not broken:
                return candidate.architecture, {"decided_by": decided_by, "refused_by_measurement": refused}
            refused.append({"architecture": space.format(candidate.architecture), "broken": broken})
        names = sorted({name for each in refused for name in each["broken"]})
        raise UserError(f"None of the {len(pool)} candidates keeps {', '.join(names)} when measured; loosen that limit "
                        f"or {remedy}.")

    return select


def recorded(space: Space, target: Target, folder: Path, select: Selector) -> Selector:
    """Return the selector that also writes its pool to `pool.json`, with what every candidate costs, for the report."""
    def recording(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        write_json(folder / "pool.json", [
            {"architecture": space.format(c.architecture), "score": c.score, "origin": c.origin,
             "costs": {cost.name: cost.value(c.architecture) for cost in target.costs}} for c in pool])
        return select(pool)

    return recording


def by_vote(task: SearchTask, target: Target, folder: Path, hooks: Hooks, select: Selector) -> Selector:
    """Return the selector that orders the pool by votes of training-free scores and hands it to `select`.

    Random members vote beside the pool until `rerank_evaluations` networks are scored (`search.rerank`); every score is
    stored in `folder` before it is used.
    """
    settings = task.settings
    scoring = partial(make_scoring, task, batch_size=settings.rerank_batch_size)
    first, second = scoring(settings.rerank), scoring(settings.rerank_again)  # refuses what cannot be scored, now

    def voting(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        keep_freed_memory()
        row_of = stored_scorer(first, folder / "rerank.jsonl")
        best = reranked(task.space, target.budget, target.costs, pool, lambda arch: values_of(row_of(arch)),
                        settings.rerank, evaluations=max(settings.rerank_evaluations, len(pool)), seed=task.seed,
                        hooks=hooks)
        voters = {"reranked_by": list(settings.rerank), "scored": len(best)}
        if settings.rerank_again:
            row_again = stored_scorer(second, folder / "rerank_again.jsonl")
            best = voted_again(task.space, best, lambda arch: values_of(row_again(arch)), settings.rerank_again,
                               sizes=sizes_of(target.costs), hooks=hooks)
            voters["voted_again_by"] = list(settings.rerank_again)
        arch, why = select(best)
        return arch, {**why, **voters}

    return voting
