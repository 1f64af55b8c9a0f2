"""Search by training-free scores: thousands of networks are scored, none is trained, and a vote chooses.

Every network that is looked at is within the budget. Which ones are proposed is a strategy's matter
(`dcanas.search.zero_shot.proposers`): random, evolution, reinforce.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, CostModel
from dcanas.proxies.votes import AGGREGATES, oriented
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.zero_shot.proposers import proposers
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture, Space

Scores = Mapping[str, float]
Scorer = Callable[[Architecture], Scores]
PATIENCE = 20  # proposals per evaluation before a strategy that repeats itself is stopped


@dataclass(frozen=True)
class ZeroShotResult:
    """The networks scored, in order, and the best of them by the vote over all."""

    architecture: Architecture
    evaluated: tuple[Architecture, ...] = field(repr=False)
    scores: Mapping[str, np.ndarray] = field(repr=False)
    votes: np.ndarray = field(repr=False)

    def best(self, count: int) -> list[Architecture]:
        """Return the `count` best by the vote, best first (ties: the earlier one): candidates for a judge."""
        return [self.evaluated[i] for i in np.argsort(-self.votes, kind="stable")[:count]]


def zero_shot(space: Space, budget: Budget, score: Scorer, costs: Sequence[CostModel],
              settings: ZeroShotSettings | None = None, seed: int = 0,
              progress: Callable[[int, Architecture], None] = lambda done, arch: None,
              start: Sequence[Architecture] = ()) -> ZeroShotResult:
    """Return the member within `budget` that a vote of training-free scores likes best.

    score: returns the value of every proxy in `settings.names`, NaN where there is none; asked once per network.
    costs: cost models for every limit of the budget.
    start: members within the budget that are looked at first, and that strategies go on from.
    Raises `BudgetError` where nothing is within the budget.
    """
    settings = settings or ZeroShotSettings()
    members = FeasibleMembers(space, budget, costs, seed)
    rng = np.random.default_rng(derive_seed(seed, "zero_shot", settings.strategy))

    def prefer(found: Sequence[Scores]) -> np.ndarray:
        return votes_of(found, settings.names, settings.aggregate)

    proposer = proposers[settings.strategy](members, settings, prefer, rng)
    known: dict[Architecture, Scores] = {}
    wanted = min(settings.evaluations, members.count() or settings.evaluations)
    first = deque(start)
    for _ in range(PATIENCE * settings.evaluations):
        if len(known) >= wanted:
            break
        arch = first.popleft() if first else proposer.ask()
        if arch not in known:
            known[arch] = score(arch)
            progress(len(known), arch)
        proposer.tell(arch, known[arch])
    evaluated = tuple(known)
    votes = prefer([known[arch] for arch in evaluated])
    columns = {name: np.array([known[arch][name] for arch in evaluated], float) for name in settings.names}
    return ZeroShotResult(evaluated[int(np.argmax(votes))], evaluated, columns, votes)


def votes_of(found: Sequence[Scores], names: Sequence[str], aggregate: str) -> np.ndarray:
    """Return one number per network, larger is better: the vote of the scores in `names`. Shape: (networks,)."""
    return AGGREGATES[aggregate](np.array([oriented(name, np.array([each[name] for each in found], float))
                                           for name in names]))
