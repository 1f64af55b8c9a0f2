"""The ways to combine several scores into one order, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcanas.basics.registry import Registry

AGGREGATES: Registry[Callable[[Any], Any]] = Registry("aggregate", {
    "borda": ("dcanas.proxies.votes:borda", "Return the sum of ranks. Shape: (voters, n), larger is better -> (n,)."),
    "log_rank": ("dcanas.proxies.votes:log_rank",
                 "Return the sum of log(rank / n): being bad at one thing costs more (AZ-NAS, arXiv 2403.19232)."),
    "worst_rank": ("dcanas.proxies.votes:worst_rank",
                   "Return the lowest of the ranks: as good as what the harshest score says; ties by the sum of "
                   "ranks."),
    "copeland": ("dcanas.proxies.votes:copeland", "Return how many others each beats by majority, less those that beat "
                                                  "it: the majority vote made transitive."),
    "majority": ("dcanas.proxies.votes:majority_rank", "Return each one's place, 1 the worst, in `majority_order`."),
})
