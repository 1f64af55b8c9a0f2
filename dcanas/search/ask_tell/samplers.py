"""How a study proposes: every sampler is a function of what the study knows, so that any worker can go on."""

from __future__ import annotations

from abc import ABC, abstractmethod

from numpy.random import Generator

from dcanas.basics.registry import Registry
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.history import History
from dcanas.search.proposers.proposer import Proposal


class Sampler(ABC):
    """Made once per process from what may be proposed; keeps nothing that it could not compute again."""

    def __init__(self, candidates: Candidates):
        self.candidates, self.settings = candidates, candidates.settings

    @abstractmethod
    def propose(self, history: History, rng: Generator) -> Proposal:
        """Return a new candidate; raises `ExhaustedError` if none is left."""


samplers: Registry[type[Sampler]] = Registry("sampler", {
    "random": ("dcanas.search.ask_tell.proposing:RandomSampler", "Random candidates."),
    "evolution": ("dcanas.search.ask_tell.proposing:EvolutionSampler",
                  "Ageing evolution among the trials that succeeded within the limits (Real et al., AAAI 2019)."),
    "local": ("dcanas.search.ask_tell.proposing:LocalSampler",
              "Local search: a new neighbour of the best trial that has one left (White et al., UAI 2021)."),
    "bo": ("dcanas.search.ask_tell.proxybo:Bo",
           "Bayesian optimisation alone: expected improvement of the random forest decides."),
    "proxybo": ("dcanas.search.ask_tell.proxybo:ProxyBo",
                "Bayesian optimisation joined by proxies according to their measured reliability."),
})
