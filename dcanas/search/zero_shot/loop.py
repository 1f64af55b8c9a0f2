"""Search by training-free scores: thousands of networks are scored, none is trained, and a vote chooses.

Every network that is looked at is within the budget. Which ones are is up to a proposer (`dcanas.search.proposers`):
random, evolution or reinforce.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dcanas.basics.errors import Stopped
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, CostModel
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.votes import oriented
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers import proposers
from dcanas.search.proposers.proposer import Scored
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
        """Return the `count` best by the vote, best first (ties: the earlier one)."""
        return [self.evaluated[i] for i in np.argsort(-self.votes, kind="stable")[:count]]


def zero_shot(space: Space, budget: Budget, score: Scorer, costs: Sequence[CostModel],
              settings: ZeroShotSettings | None = None, seed: int = 0, *, hooks: Hooks = QUIET,
              start: Sequence[Architecture] = ()) -> ZeroShotResult:
    """Return the networks scored and the member within `budget` that a vote of training-free scores ranks first.

    Args:
        score: returns the value of every proxy in `settings.names`, NaN if there is none; called once per network.
        costs: cost models for every limit of the budget.
        hooks: receive how many networks are scored; asked before each whether to stop.
        start: members within the budget that are scored first, and that strategies continue from.

    Raises `BudgetError` if nothing is within the budget; `Stopped` if the hooks asked to stop.
    """
    settings = settings or ZeroShotSettings()
    members = FeasibleMembers(space, budget, costs, seed)
    rng = np.random.default_rng(derive_seed(seed, "zero_shot", settings.strategy))

    def best(drawn: Sequence[Scored]) -> Scored:
        return drawn[int(np.argmax(AGGREGATES[settings.aggregate](np.array([each.scores for each in drawn]).T)))]

    proposer = proposers[settings.strategy](settings, best)
    known: dict[Architecture, Scores] = {}
    observed: list[Scored] = []
    wanted = min(settings.evaluations, members.count() or settings.evaluations)
    first = deque(start)
    for _ in range(PATIENCE * settings.evaluations):
        if len(known) >= wanted:
            break
        arch = first.popleft() if first else proposer.propose(members, observed, rng).architecture
        if arch not in known:
            if hooks.should_stop():
                raise Stopped(f"stopped after {len(known)} of {wanted} networks")
            known[arch] = score(arch)
            hooks.progress(len(known), wanted, "networks scored")
        observed.append(_scored(arch, known[arch], settings.names))
    evaluated = tuple(known)
    votes = votes_of([known[arch] for arch in evaluated], settings.names, settings.aggregate)
    columns = {name: np.array([known[arch][name] for arch in evaluated], float) for name in settings.names}
    return ZeroShotResult(evaluated[int(np.argmax(votes))], evaluated, columns, votes)


def _scored(arch: Architecture, scores: Scores, names: Sequence[str]) -> Scored:
    return Scored(arch, tuple(float(oriented(name, np.array(scores[name], float))) for name in names))


def votes_of(found: Sequence[Scores], names: Sequence[str], aggregate: str) -> np.ndarray:
    """Return one number per network, larger is better: the vote of the scores in `names`. Shape: (networks,)."""
    return AGGREGATES[aggregate](np.array([oriented(name, np.array([each[name] for each in found], float))
                                           for name in names]))
