"""Samplers without a model of the objective: the proposers of `dcanas.search.proposers`, local search, NSGA-II."""

from __future__ import annotations

from typing import ClassVar

from numpy.random import Generator

from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History
from dcanas.search.ask_tell.samplers import Sampler
from dcanas.search.proposers.evolution import Evolution
from dcanas.search.proposers.proposer import Proposal, Proposer, at_random
from dcanas.search.proposers.random import Random


class _ProposerSampler(Sampler):
    """A proposer that observes the trials that succeeded within the limits."""

    kind: ClassVar[type[Proposer]]

    def __init__(self, candidates: Candidates):
        super().__init__(candidates)
        self.proposer = self.kind(candidates.settings)

    def propose(self, history: History, rng: Generator) -> Proposal:
        return self.proposer.propose(self.candidates.new(history), history.scored(), rng)


class RandomSampler(_ProposerSampler):
    """Random candidates."""

    kind = Random


class EvolutionSampler(_ProposerSampler):
    """Ageing evolution among the trials that succeeded within the limits (Real et al., AAAI 2019)."""

    kind = Evolution


class Nsga2(Sampler):
    """NSGA-II on accuracy and the costs in `search.front` (Deb et al., 2002), as Optuna implements it.

    The worker asks Optuna; this is what it falls back on if Optuna names no new candidate within the budget.
    """

    def propose(self, history: History, rng: Generator) -> Proposal:
        return at_random(self.candidates.new(history), rng, instead_of="nsga2")


class LocalSampler(Sampler):
    """Local search: a new neighbour of the best trial that has one left (White et al., UAI 2021)."""

    def propose(self, history: History, rng: Generator) -> Proposal:
        new = self.candidates.new(history)
        if len(history) < self.settings.initial:
            return at_random(new, rng)
        for trial in history.best(len(history)):
            near = [other for other in new.space.neighbours(trial.architecture) if new.allows(other)]
            if near:
                rng.shuffle(near)
                return Proposal(near[0], {"chosen_by": "neighbour", "of": new.space.format(trial.architecture)})
        return at_random(new, rng, instead_of="neighbour")
