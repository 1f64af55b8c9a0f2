"""Training-free scores choose among what a search proposes and random members within the same limits.

The score of a search is a sum over slots and a weak judge near the top. So alphas propose a pool, and a vote of
training-free scores orders it. The vote is one of ranks, so it needs to be held among members as they come: over random
ones beside the pool it chose better on NAS-Bench-201 than over what evolution made of it (docs/results.md).
Which scores tell members apart at large and which among the best is not the same, so others may vote on the first few,
and on the largest networks, which become finalists whatever the first vote says of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from dcanas.costs import Budget, CostModel
from dcanas.search.pool import Candidate
from dcanas.search.zero_shot.loop import Scorer, votes_of, zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture, Space

AGAIN = 16  # candidates that are voted on twice (docs/results.md)


def reranked(space: Space, budget: Budget, costs: Sequence[CostModel], pool: Sequence[Candidate], score: Scorer,
             names: Sequence[str], evaluations: int = 0, seed: int = 0,
             progress: Callable[[int, Architecture], None] = lambda done, arch: None) -> list[Candidate]:
    """Return the pool and random members within `budget`, best first, by the log-rank vote of the scores in `names`.

    Each candidate's `score` becomes its votes; where they are equal the pool's order decides, which is why the pool is
    looked at in the order of the search's own score. score: see `zero_shot`; costs: models of every limit of `budget`.
    evaluations: networks scored in all; as many as the pool holds, or fewer, leave it at the pool.
    """
    own = sorted(pool, key=lambda candidate: -candidate.score)
    settings = ZeroShotSettings(tuple(names), "log_rank", "random", evaluations=max(evaluations, len(pool)))
    found = zero_shot(space, budget, score, costs, settings, seed, progress, [c.architecture for c in own])
    origins = {candidate.architecture: candidate.origin for candidate in pool}
    votes = dict(zip(found.evaluated, found.votes, strict=True))
    return [Candidate(arch, float(votes[arch]), origins.get(arch, "random"))
            for arch in found.best(len(found.evaluated))]


def voted_again(space: Space, candidates: Sequence[Candidate], score: Scorer, names: Sequence[str],
                sizes: Sequence[CostModel] = (),
                progress: Callable[[int, Architecture], None] = lambda done, arch: None) -> list[Candidate]:
    """Return the candidates, the first 16 different networks and the largest in the order of a second log-rank vote.

    candidates: best first; score: see `zero_shot`, of the scores in `names`; sizes: costs by each of which the largest
    candidate is voted on too. Where second votes are equal the order of the first decides. A candidate's `score`
    becomes its second vote, moved to lie above those of the others.
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
    found = []
    for done, candidate in enumerate(chosen, 1):
        found.append(score(candidate.architecture))
        progress(done, candidate.architecture)
    votes = votes_of(found, names, "log_rank")
    others = [candidate for candidate in candidates if candidate not in chosen]
    floor = max((candidate.score for candidate in others), default=0.0) - float(votes.min())
    again = [replace(candidate, score=floor + float(vote)) for candidate, vote in zip(chosen, votes, strict=True)]
    return [*sorted(again, key=lambda candidate: -candidate.score), *others]
