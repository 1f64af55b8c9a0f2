"""The samplers of studies by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcanas.basics.registry import Registry

samplers: Registry[Callable[..., Any]] = Registry("sampler", {
    "random": ("dcanas.search.ask_tell.proposing:RandomSampler", "Random candidates."),
    "evolution": ("dcanas.search.ask_tell.proposing:EvolutionSampler",
                  "Ageing evolution among the trials that succeeded within the limits (Real et al., AAAI 2019)."),
    "local": ("dcanas.search.ask_tell.proposing:LocalSampler",
              "Local search: a new neighbour of the best trial that has one left (White et al., UAI 2021)."),
    "bo": ("dcanas.search.ask_tell.proxybo:Bo",
           "Bayesian optimisation alone: expected improvement of the random forest decides."),
    "proxybo": ("dcanas.search.ask_tell.proxybo:ProxyBo",
                "Bayesian optimisation joined by proxies according to their measured reliability."),
    "nsga2": ("dcanas.search.ask_tell.proposing:Nsga2",
              "NSGA-II on accuracy and the costs in `search.front` (Deb et al., 2002), as Optuna implements it."),
})
