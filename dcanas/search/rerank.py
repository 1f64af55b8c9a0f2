"""Training-free scores choose among what a search proposes and random members within the same limits.

The score of a search is a sum over slots and a poor ranking near the top. So alphas propose a pool, and a vote of
training-free scores orders it. The vote is one of ranks, so it needs to be held among members as they come: over random
ones beside the pool it chose better on NAS-Bench-201 than over what evolution made of it (docs/results.md).
Which scores tell members apart at large and which among the best is not the same, so others may vote on the first few,
and on the largest networks, which become finalists whatever the first vote says of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dcanas.basics.errors import Stopped
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.costs import Budget, CostModel
from dcanas.search.pool import Candidate
from dcanas.search.zero_shot.loop import Scorer, Scores, votes_of, zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture, Space

AGAIN = 16  # candidates that are voted on twice (docs/results.md)


def reranked(space: Space, budget: Budget, costs: Sequence[CostModel], pool: Sequence[Candidate], score: Scorer,
             names: Sequence[str], *, evaluations: int = 0, seed: int = 0, hooks: Hooks = QUIET) -> list[Candidate]:
    """Return the pool and random members within `budget`, best first, by the log-rank vote of the scores in `names`.

    Each candidate's `score` becomes its votes; ties are broken by the order of the search's own score.

    Args:
        costs: models of every limit of `budget`.
        score: see `zero_shot`.
        evaluations: networks scored in all; as many as the pool holds, or fewer, add no random members.
        hooks: see `zero_shot`.
    """
    own = sorted(pool, key=lambda candidate: -candidate.score)
    settings = ZeroShotSettings(tuple(names), "log_rank", "random", evaluations=max(evaluations, len(pool)))
    found = zero_shot(space, budget, score, costs, settings, seed, hooks=hooks, start=[c.architecture for c in own])
    origins = {candidate.architecture: candidate.origin for candidate in pool}
    votes = dict(zip(found.evaluated, found.votes, strict=True))
    return [Candidate(arch, float(votes[arch]), origins.get(arch, "random"))
            for arch in found.best(len(found.evaluated))]


def voted_again(space: Space, candidates: Sequence[Candidate], score: Scorer, names: Sequence[str], *,
                sizes: Sequence[CostModel] = (), hooks: Hooks = QUIET) -> list[Candidate]:
    """Return the candidates, the first 16 different networks and the largest in the order of a second log-rank vote.

    Ties of the second vote are broken by the order of the first. A candidate's `score` becomes its second vote, moved
    to lie above those of the others.

    Args:
        candidates: best first.
        score: see `zero_shot`, of the scores in `names`.
        sizes: costs by each of which the largest candidate is voted on too.
        hooks: receive how many networks are scored; asked before each whether to stop.

    Raises `Stopped` if the hooks asked to stop.
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
    votes = votes_of(found, names, "log_rank")
    others = [candidate for candidate in candidates if candidate not in chosen]
    floor = max((candidate.score for candidate in others), default=0.0) - float(votes.min())
    again = [replace(candidate, score=floor + float(vote)) for candidate, vote in zip(chosen, votes, strict=True)]
    return [*sorted(again, key=lambda candidate: -candidate.score), *others]
