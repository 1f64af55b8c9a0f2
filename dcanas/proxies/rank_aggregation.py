"""Rank aggregation: one order from several scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from dcanas.basics.errors import UserError, unknown
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.proxy_name import ProxyName

COMBINATIONS = {  # name -> the scores that it aggregates
    "sjw": ("synflow", "jacov", "wrcor"),
    "spw": ("synflow", "phi", "wrcor"),
    "az_nas": ("az_expressivity", "az_progressivity", "az_trainability", "flops"),
}


def oriented(name: str, values: np.ndarray) -> np.ndarray:
    """Return the values so that larger is better, by the direction of the proxy of this name."""
    return -values if ProxyName.parse(name).facts.direction == "lower" else values


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 (worst) to n, ties at their mean; a missing score (NaN) ranks below all others.

    Shape: (n,) or (scores, n), ranked along the last axis.
    """
    found: np.ndarray = rankdata(np.where(np.isnan(values), -np.inf, values), axis=-1)
    return found


def borda(scores: np.ndarray) -> np.ndarray:
    """Return the sum of ranks. Shape: (scores, n), larger is better -> (n,)."""
    return np.sum(ranks(scores), axis=0)


def log_rank(scores: np.ndarray) -> np.ndarray:
    """Return the sum of log(rank / n): being bad at one thing costs more (AZ-NAS, arXiv 2403.19232)."""
    return np.sum(np.log(ranks(scores) / scores.shape[1]), axis=0)


def worst_rank(scores: np.ndarray) -> np.ndarray:
    """Return the lowest of the ranks, ties by the sum of ranks."""
    ranked = ranks(scores)
    return np.min(ranked, axis=0) + np.sum(ranked, axis=0) / (len(ranked) * scores.shape[1] + 1)


def copeland(scores: np.ndarray) -> np.ndarray:
    """Return Copeland's score: how many others each one beats by majority, less those that beat it."""
    found = np.zeros(scores.shape[1])
    ranked = ranks(scores)
    for i in range(len(found)):  # a row of the comparison at a time: n^2 numbers are never held
        found[i] = np.sign(np.sign(ranked[:, i, None] - ranked).sum(0)).sum()
    return found


def combine(name: str, scores: Mapping[str, np.ndarray], aggregate: str | None = None) -> np.ndarray:
    """Return one number per network, larger is better, from the scores that a published combination aggregates.

    sjw: synflow, jacov, wrcor; spw: synflow, phi, wrcor (Jing et al., arXiv 2507.08841; both by Copeland); az_nas: its
    three scores and MACs by log rank (arXiv 2403.19232).

    Args:
        name: of the combination.
        scores: values per proxy, as the proxies return them. Shape: (n,) each.
        aggregate: another aggregation than the published one.

    Raises:
        UserError: an unknown name or aggregation, or a missing score.
    """
    if name not in COMBINATIONS:
        raise unknown("combination", name, COMBINATIONS)
    missing = [proxy for proxy in COMBINATIONS[name] if proxy not in scores]
    if missing:
        raise UserError(f"The combination {name} needs the score {missing[0]}; it combines "
                        f"{', '.join(COMBINATIONS[name])}.")
    combined: np.ndarray = AGGREGATES[aggregate or ("log_rank" if name == "az_nas" else "copeland")](np.array([
        oriented(proxy, np.asarray(scores[proxy], float)) for proxy in COMBINATIONS[name]]))
    return combined
