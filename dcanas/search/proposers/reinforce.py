"""REINFORCE (Williams, 1992): a policy over the options of a space learns which choices score well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from dcanas.basics.optimisers import adam
from dcanas.search.proposers.policy import Policy
from dcanas.search.proposers.proposer import Best, Members, Proposal, Proposer, Scored, at_random, best_in_order

WARM_UP = 100  # random members that give the mean and the spread of every score
POLICY_DRAWS = 100  # from the policy, until a random member is taken instead


class Reinforce(Proposer):
    """REINFORCE on categorical choices, independent but for groups (Jing et al., arXiv 2507.08841).

    Reward: the sum of the scores' z-values, by the mean and the spread of the first 100, which are random; a score that
    does not exist counts as the worst of theirs. Baseline: the moving average of the rewards.
    Settings: learning_rate, of Adam; baseline_momentum.
    """

    def __init__(self, settings: Any, best: Best = best_in_order):
        super().__init__(settings, best)
        self.policy: Policy | None = None
        self.baseline: float | None = None
        self.learnt = WARM_UP  # observations

    def propose(self, members: Members, observed: Sequence[Scored], rng: Generator) -> Proposal:
        if self.policy is None:
            self.policy = Policy(members.space, rng)
            self.optimiser = adam(self.policy.logits, lr=self.settings.learning_rate)
        if len(observed) < WARM_UP:
            return at_random(members, rng)
        self._learn(self.policy, observed)
        shares = self.policy.shares()
        for _ in range(POLICY_DRAWS):
            drawn = self.policy.draw(shares, rng)
            if not members.space.is_dead(drawn):
                arch = members.space.prune(drawn)
                if members.allows(arch):
                    return Proposal(arch, {"chosen_by": "policy"})
        return at_random(members, rng, instead_of="policy")

    def _learn(self, policy: Policy, observed: Sequence[Scored]) -> None:
        """Take one step for every observation that is new."""
        first = np.array([each.scores for each in observed[:WARM_UP]], dtype=float)
        mean, deviation = np.nanmean(first, axis=0), np.nanstd(first, axis=0)
        spread = np.where(deviation > 0, deviation, 1)
        worst = np.nanmin((first - mean) / spread)
        for each in observed[self.learnt:]:
            z = (np.array(each.scores, dtype=float) - mean) / spread
            reward = float(np.where(np.isnan(z), worst, z).sum())
            momentum = self.settings.baseline_momentum
            self.baseline = reward if self.baseline is None else momentum * self.baseline + (1 - momentum) * reward
            self.optimiser.zero_grad()
            torch.autograd.backward(-(reward - self.baseline) * policy.log_likelihood(each.architecture))
            self.optimiser.step()
        self.learnt = len(observed)
