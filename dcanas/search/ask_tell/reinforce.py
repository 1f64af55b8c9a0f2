"""REINFORCE over the independent parameters of any space (Zoph & Le, ICLR 2017), as in NAS-Bench-201's baselines."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from dcanas.search.ask_tell.candidates import DRAWS, Candidates
from dcanas.search.ask_tell.history import History
from dcanas.search.ask_tell.parameters import Parameters
from dcanas.search.ask_tell.samplers import Proposal, first_trials, samplers

BETAS, EPSILON = (0.9, 0.999), 1e-8  # of Adam


@samplers.add
class reinforce:  # noqa: N801
    """A categorical policy per parameter, learnt from all trials in order; reward: z-value less its moving average."""

    def __init__(self, candidates: Candidates):
        self.candidates, self.settings = candidates, candidates.settings
        self.parameters = Parameters(candidates.space)

    def propose(self, history: History, rng: Generator) -> Proposal:
        if len(history) < self.settings.initial or not history.succeeded:
            return first_trials(self.candidates, history, rng)
        shares = [_softmax(row) for row in self._learnt(history)]
        space = self.candidates.space
        for _ in range(DRAWS):
            code = self.parameters.decode([int(rng.choice(len(p), p=p)) for p in shares])
            if space.is_dead(code):
                continue
            arch = space.prune(code)
            if self.candidates.members.allows(arch) and self.candidates.is_new(arch, history):
                return Proposal(arch, {"chosen_by": "policy", "largest_share": float(max(p.max() for p in shares))})
        return Proposal(self.candidates.sample(history, rng), {"chosen_by": "random", "instead_of": "policy"})

    def _learnt(self, history: History) -> list[np.ndarray]:
        """Return the policy's logits after one Adam step per trial that succeeded."""
        logits = [np.zeros(len(p.labels)) for p in self.parameters.parameters]
        first, second = [np.zeros_like(r) for r in logits], [np.zeros_like(r) for r in logits]
        values = history.values
        rewards = (values - values.mean()) / (values.std() or 1.0)
        baseline = 0.0
        for step, (observation, reward) in enumerate(zip(history.succeeded, rewards, strict=True), start=1):
            momentum = self.settings.baseline_momentum
            baseline = momentum * baseline + (1 - momentum) * float(reward)
            for i, value in enumerate(self.parameters.encode(observation.architecture)):
                gradient = -_softmax(logits[i])  # of the log-likelihood: one-hot less the shares
                gradient[value] += 1
                gradient *= float(reward) - baseline
                first[i] = BETAS[0] * first[i] + (1 - BETAS[0]) * gradient
                second[i] = BETAS[1] * second[i] + (1 - BETAS[1]) * gradient ** 2
                up = first[i] / (1 - BETAS[0] ** step)
                logits[i] += self.settings.learning_rate * up / (
                    np.sqrt(second[i] / (1 - BETAS[1] ** step)) + EPSILON)
        return logits


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
