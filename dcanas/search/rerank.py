"""Training-free scores choose among the candidates that a search proposes and random members within the same limits.

The score of a search is a sum over slots, which ranks poorly near the top. So alphas propose a pool, and the ranks of
training-free scores, aggregated, order it. Ranks depend on the other networks, which should be typical members: beside
random ones the aggregate chose better on NAS-Bench-201 than among the offspring of evolution (docs/results.md).
The scores that separate members in general are not those that separate the best, so others may rank the first few
again, and the largest networks, which become finalists whatever their first rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dcanas.basics.errors import Stopped
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.costs import Budget, CostModel
from dcanas.search.pool import Candidate
from dcanas.search.zero_shot.loop import Prepare, Scorer, Scores, aggregated, zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture, Space

AGAIN = 16  # candidates that are ranked twice (docs/results.md)


def reranked(space: Space, budget: Budget, costs: Sequence[CostModel], pool: Sequence[Candidate], score: Scorer,
             names: Sequence[str], *, evaluations: int = 0, seed: int = 0, hooks: Hooks = QUIET,
             prepare: Prepare | None = None) -> list[Candidate]:
    """Return the pool and random members within `budget`, best first, by the log ranks of the scores in `names`.

    A candidate's `score` becomes its sum of log ranks; ties are broken by the search's own score.

    Args:
        costs: models of every limit of `budget`.
        score: see `zero_shot`.
        names: training-free scores.
        evaluations: networks scored in all; as many as the pool holds, or fewer, add no random members.
        hooks, prepare: see `zero_shot`.
    """
    own = sorted(pool, key=lambda candidate: -candidate.score)
    settings = ZeroShotSettings(tuple(names), "log_rank", "random", evaluations=max(evaluations, len(pool)))
    found = zero_shot(space, budget, score, costs, settings, seed, hooks=hooks, start=[c.architecture for c in own],
                      prepare=prepare)
    origins = {candidate.architecture: candidate.origin for candidate in pool}
    return [Candidate(found.evaluated[i], float(found.ranks[i]), origins.get(found.evaluated[i], "random"))
            for i in np.argsort(-found.ranks, kind="stable")]


def reranked_again(space: Space, candidates: Sequence[Candidate], score: Scorer, names: Sequence[str], *,
                sizes: Sequence[CostModel] = (), hooks: Hooks = QUIET) -> list[Candidate]:
    """Return the candidates with the first 16 different networks and the largest ordered again, by other scores.

    Ties are broken by the first order. A candidate's `score` becomes its second sum of log ranks, moved to lie above
    the scores of the others.

    Args:
        candidates: best first.
        score: see `zero_shot`.
        names: training-free scores that order again.
        sizes: costs by each of which the largest candidate is ordered again too.
        hooks: receive the number of networks scored; asked before each whether to stop.

    Raises:
        Stopped: the hooks asked to stop.
    """
    first: dict[Architecture, Candidate] = {}
    for candidate in candidates:
        if len(first) == AGAIN:
            break
        first.setdefault(space.canonical(candidate.architecture), candidate)
    for cost in sizes:
        largest = max(candidates, key=lambda candidate: cost.value(candidate.architecture))
        first.setdefault(space.canonical(largest.architecture), largest)
    chosen = list(first.values())
    found: list[Scores] = []
    for done, candidate in enumerate(chosen, 1):
        if hooks.should_stop():
            raise Stopped(f"stopped after {len(found)} of {len(chosen)} networks")
        found.append(score(candidate.architecture))
        hooks.progress(done, len(chosen), "best scored again")
    ranks = aggregated(found, names, "log_rank")
    others = [candidate for candidate in candidates if candidate not in chosen]
    floor = max((candidate.score for candidate in others), default=0.0) - float(ranks.min())
    again = [replace(candidate, score=floor + float(rank)) for candidate, rank in zip(chosen, ranks, strict=True)]
    return [*sorted(again, key=lambda candidate: -candidate.score), *others]
