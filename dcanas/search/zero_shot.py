"""Search by training-free scores: thousands of networks are scored, none is trained, and a vote chooses.

Every network that is looked at is within the budget. Which ones are proposed is a strategy's matter
(`dcanas.search.proposers`): random, evolution, reinforce.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.costs import Budget, CostModel
from dcanas.proxies.registry import Asked
from dcanas.proxies.table import Scoring, score_architecture
from dcanas.proxies.votes import AGGREGATES, oriented
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.proposers import proposers
from dcanas.spaces import Architecture, Space

Scores = Mapping[str, float]
Scorer = Callable[[Architecture], Scores]
PATIENCE = 20  # proposals per evaluation before a strategy that repeats itself is stopped


@dataclass(frozen=True)
class ZeroShotSettings:
    """What votes and how networks are proposed.

    Attributes:
        names: proxies that vote.
        aggregate: how: "borda" (sum of ranks), "log_rank", "copeland" or "majority".
        strategy: "random", "evolution" or "reinforce".
        evaluations: different networks scored.
        population, tournament: of ageing evolution.
        learning_rate, baseline_momentum: of REINFORCE.
    """

    names: tuple[str, ...] = ("synflow", "jacov", "wrcor")
    aggregate: str = "copeland"
    strategy: str = "evolution"
    evaluations: int = 1000
    population: int = 64
    tournament: int = 10
    learning_rate: float = 1e-3
    baseline_momentum: float = 0.9

    def check(self) -> None:
        """Raise `UserError` for anything that does not exist or makes no sense."""
        for name in self.names:
            Asked.parse(name)
        if not self.names:
            raise UserError("Zero-shot search needs at least one proxy to vote, got none.")
        if self.aggregate not in AGGREGATES:
            raise UserError(f"aggregate must be one of {', '.join(AGGREGATES)}, got {self.aggregate!r}.")
        _ = proposers[self.strategy]
        if min(self.evaluations, self.population, self.tournament) < 1 or self.tournament > self.population:
            raise UserError("evaluations, population and tournament must be at least 1, and the tournament no larger "
                            f"than the population, got {self.evaluations}, {self.population}, {self.tournament}.")


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
              progress: Callable[[int, Architecture], None] = lambda done, arch: None) -> ZeroShotResult:
    """Return the member within `budget` that a vote of training-free scores likes best.

    score: returns the value of every proxy in `settings.names`, NaN where there is none; asked once per network.
    costs: cost models for every limit of the budget.
    Raises `BudgetError` where nothing is within the budget.
    """
    settings = settings or ZeroShotSettings()
    settings.check()
    members = FeasibleMembers(space, budget, costs, seed)
    rng = np.random.default_rng(derive_seed(seed, "zero_shot", settings.strategy))

    def prefer(found: Sequence[Scores]) -> np.ndarray:
        table = np.array([oriented(name, np.array([each[name] for each in found], float)) for name in settings.names])
        return AGGREGATES[settings.aggregate](table)

    proposer = proposers[settings.strategy](members, settings, prefer, rng)
    known: dict[Architecture, Scores] = {}
    wanted = min(settings.evaluations, members.count() or settings.evaluations)
    for _ in range(PATIENCE * settings.evaluations):
        if len(known) >= wanted:
            break
        arch = proposer.ask()
        if arch not in known:
            known[arch] = score(arch)
            progress(len(known), arch)
        proposer.tell(arch, known[arch])
    evaluated = tuple(known)
    votes = prefer([known[arch] for arch in evaluated])
    columns = {name: np.array([known[arch][name] for arch in evaluated], float) for name in settings.names}
    return ZeroShotResult(evaluated[int(np.argmax(votes))], evaluated, columns, votes)


def network_scorer(space: Space, images: np.ndarray, labels: np.ndarray, names: Sequence[str], num_classes: int = 10,
                   seed: int = 0, **skeleton: Any) -> Scorer:
    """Return a scorer that builds each network and runs the proxies on one batch (see `score_network`)."""
    scoring = Scoring(space.name, tuple(names), images, labels, num_classes, seed, skeleton)

    def score(arch: Architecture) -> Scores:
        values = score_architecture(scoring, space, arch)["scores"]
        return {name: np.nan if value is None else value for name, value in values.items()}

    return score
