"""Votes of several scores: who is better where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cmp_to_key

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.proxy_name import ProxyName

VOTES = {  # name -> the scores that vote
    "sjw": ("synflow", "jacov", "wrcor"),
    "spw": ("synflow", "phi", "wrcor"),
    "az_nas": ("az_expressivity", "az_progressivity", "az_trainability", "flops"),
}


def oriented(name: str, values: np.ndarray) -> np.ndarray:
    """Return the values so that larger is better, by what the proxy of this name declares."""
    return -values if ProxyName.parse(name).facts.direction == "lower" else values


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 (worst) to n, ties at their mean; a score that does not exist (NaN) is worse than any other.

    Shape: (n,) or (voters, n), ranked along the last axis.
    """
    from scipy.stats import rankdata  # here, so that settings are checked without it

    return rankdata(np.where(np.isnan(values), -np.inf, values), axis=-1)


def borda(voters: np.ndarray) -> np.ndarray:
    """Return the sum of ranks. Shape: (voters, n), larger is better -> (n,)."""
    return ranks(voters).sum(0)


def log_rank(voters: np.ndarray) -> np.ndarray:
    """Return the sum of log(rank / n): being bad at one thing costs more (AZ-NAS, arXiv 2403.19232)."""
    return np.log(ranks(voters) / voters.shape[1]).sum(0)


def worst_rank(voters: np.ndarray) -> np.ndarray:
    """Return the lowest of the ranks: as good as what the harshest score says; ties by the sum of ranks."""
    ranked = ranks(voters)
    return ranked.min(0) + ranked.sum(0) / (len(ranked) * voters.shape[1] + 1)


def copeland(voters: np.ndarray) -> np.ndarray:
    """Return how many others each beats by majority, less those that beat it: the majority vote made transitive."""
    found = np.zeros(voters.shape[1])
    ranked = ranks(voters)
    for i in range(len(found)):  # a row of the comparison at a time: n^2 numbers are never held
        found[i] = np.sign(np.sign(ranked[:, i, None] - ranked).sum(0)).sum()
    return found


def majority(voters: np.ndarray, one: int, other: int) -> int:
    """Return 1 where more voters prefer `one` to `other`, -1 for fewer, 0 for as many: the published comparison."""
    ranked = ranks(voters[:, [one, other]])
    return int(np.sign(np.sign(ranked[:, 0] - ranked[:, 1]).sum()))


def majority_order(voters: np.ndarray, order: Sequence[int] | None = None) -> list[int]:
    """Return indices worst to best, sorted by pairwise majority as published.

    The majority is not transitive, so the result depends on the `order` in which they come; `copeland`, `borda` and
    `log_rank` do not.
    """
    def compare(one: int, other: int) -> int:
        return majority(voters, one, other)

    return sorted(range(voters.shape[1]) if order is None else order, key=cmp_to_key(compare))


def majority_rank(voters: np.ndarray) -> np.ndarray:
    """Return each one's place, 1 the worst, in `majority_order`."""
    found = np.empty(voters.shape[1])
    found[majority_order(voters)] = np.arange(1, voters.shape[1] + 1)
    return found


def vote(name: str, scores: Mapping[str, np.ndarray], aggregate: str | None = None) -> np.ndarray:
    """Return one number per network, larger is better, from the scores that a named vote combines.

    sjw: synflow, jacov, wrcor; spw: synflow, phi, wrcor (both Copeland unless `aggregate` says otherwise); az_nas: its
    three scores and MACs by log-rank. Raises `UserError` for a name or aggregate that does not exist, or a score that
    is missing.
    """
    if name not in VOTES:
        raise unknown("vote", name, VOTES)
    aggregate = aggregate or ("log_rank" if name == "az_nas" else "copeland")
    combine = AGGREGATES[aggregate]
    missing = [member for member in VOTES[name] if member not in scores]
    if missing:
        raise UserError(f"The vote {name} needs the score {missing[0]}; it combines {', '.join(VOTES[name])}.")
    return combine(np.array([oriented(member, np.asarray(scores[member], float)) for member in VOTES[name]]))
