"""Which network to look at next: random, ageing evolution, REINFORCE. They never propose one outside the budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.random import Generator

from dcanas.basics.registry import Registry
from dcanas.proxies.votes import oriented
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.zero_shot.policy import Policy
from dcanas.spaces import Architecture

Scores = Mapping[str, float]
Prefer = Callable[[Sequence[Scores]], np.ndarray]
WARM_UP = 100  # random networks that give REINFORCE the mean and spread of every score
POLICY_DRAWS = 100  # from the policy, before a random member is taken instead


class Settings(Protocol):
    """What proposers read of the search's settings."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def population(self) -> int: ...
    @property
    def tournament(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def baseline_momentum(self) -> float: ...


class Proposer(Protocol):
    """Proposes networks and hears their scores."""

    def ask(self) -> Architecture: ...
    def tell(self, arch: Architecture, scores: Scores) -> None: ...


proposers: Registry = Registry("zero-shot strategy")


@proposers.add
class random:  # noqa: N801 (registered under its own name, as the next two)
    """Members drawn one by one."""

    def __init__(self, members: FeasibleMembers, settings: Settings, prefer: Prefer, rng: Generator):
        self.members, self.rng = members, rng

    def ask(self) -> Architecture:
        return self.members.sample(self.rng)

    def tell(self, arch: Architecture, scores: Scores) -> None:
        pass


@proposers.add
class evolution:  # noqa: N801
    """Ageing evolution (Real et al., AAAI 2019): the winner of a tournament is mutated, the oldest dies."""

    def __init__(self, members: FeasibleMembers, settings: Settings, prefer: Prefer, rng: Generator):
        self.members, self.prefer, self.rng = members, prefer, rng
        self.size, self.tournament = settings.population, settings.tournament
        self.population: deque[tuple[Architecture, Scores]] = deque(maxlen=settings.population)

    def ask(self) -> Architecture:
        if len(self.population) < self.size:
            return self.members.sample(self.rng)
        chosen = [self.population[i] for i in self.rng.choice(self.size, self.tournament, replace=False)]
        winner = int(np.argmax(self.prefer([scores for _, scores in chosen])))
        return self.members.mutate(chosen[winner][0], self.rng)

    def tell(self, arch: Architecture, scores: Scores) -> None:
        self.population.append((arch, scores))


@proposers.add
class reinforce:  # noqa: N801
    """REINFORCE on categorical choices, independent but for groups (Jing et al., arXiv 2507.08841).

    Reward: the sum of the scores' z-values, mean and spread from 100 random members; baseline: its moving average.
    """

    def __init__(self, members: FeasibleMembers, settings: Settings, prefer: Prefer, rng: Generator):
        self.members, self.rng, self.names = members, rng, settings.names
        self.momentum = settings.baseline_momentum
        self.policy = Policy(members.space, rng)
        self.optimizer = torch.optim.Adam(self.policy.logits, lr=settings.learning_rate)
        self.first: list[np.ndarray] = []
        self.baseline: float | None = None

    def ask(self) -> Architecture:
        if len(self.first) < WARM_UP:
            return self.members.sample(self.rng)
        shares = self.policy.shares()
        for _ in range(POLICY_DRAWS):
            drawn = self.policy.draw(shares, self.rng)
            if not self.members.space.is_dead(drawn):
                arch = self.members.space.prune(drawn)
                if self.members.allows(arch):
                    return arch
        return self.members.sample(self.rng)

    def tell(self, arch: Architecture, scores: Scores) -> None:
        values = np.array([oriented(name, np.array(scores[name], float)) for name in self.names])
        if len(self.first) < WARM_UP:
            self.first.append(values)
            return
        table = np.array(self.first)
        spread = np.nanstd(table, axis=0)
        z = (values - np.nanmean(table, axis=0)) / np.where(spread > 0, spread, 1)
        reward = float(np.where(np.isnan(z), np.nanmin((table - np.nanmean(table, axis=0)) / spread), z).sum())
        self.baseline = reward if self.baseline is None else (self.momentum * self.baseline
                                                              + (1 - self.momentum) * reward)
        self.optimizer.zero_grad()
        (-(reward - self.baseline) * self.policy.log_likelihood(arch)).backward()
        self.optimizer.step()
