"""The ways to combine several scores into one order, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcanas.basics.registry import Registry

AGGREGATES: Registry[Callable[[Any], Any]] = Registry("aggregate", {
    "borda": ("dcanas.proxies.rank_aggregation:borda",
              "Return the sum of ranks. Shape: (scores, n), larger is better -> (n,)."),
    "log_rank": ("dcanas.proxies.rank_aggregation:log_rank",
                 "Return the sum of log(rank / n): being bad at one thing costs more (AZ-NAS, arXiv 2403.19232)."),
    "worst_rank": ("dcanas.proxies.rank_aggregation:worst_rank",
                   "Return the lowest of the ranks, ties by the sum of ranks."),
    "copeland": ("dcanas.proxies.rank_aggregation:copeland",
                 "Return Copeland's score: how many others each one beats by majority, less those that beat it."),
})
