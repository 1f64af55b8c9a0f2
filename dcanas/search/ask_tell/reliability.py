"""How well a score orders what was observed, and the influence that it gets for that (ProxyBO).

Shen et al., "ProxyBO: Accelerating Neural Architecture Search via Bayesian Optimization with Zero-cost Proxies"
(arXiv 2110.10423, AAAI 2023).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats


def reliability(scores: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of observed pairs that each score orders as they are.

    A pair of equal values says nothing and does not count; a score that is equal (or absent, NaN) for both orders
    half of it; a score that exists for one of them only prefers that one. Without any pair: 0.5, knowing nothing.

    Shape: (scores, n) and (n,), larger is better -> (scores,) in [0, 1].
    """
    _, different = np.unique(values, return_inverse=True)
    decided = _pairs(len(values)) - _tied(different)  # pairs of different values
    if not decided:
        return np.full(len(scores), 0.5)
    known = np.where(np.isnan(scores), -np.inf, scores)
    found = np.full(len(scores), 0.5)
    for i, row in enumerate(known):
        _, order = np.unique(row, return_inverse=True)
        ordered = _pairs(len(values)) - _tied(order)  # pairs of different scores
        if ordered:
            tau = stats.kendalltau(order, different).statistic  # (right - wrong) / sqrt(decided * ordered), in n log n
            found[i] = 0.5 + 0.5 * round(tau * math.sqrt(decided * ordered)) / decided
    return found


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _tied(numbers: np.ndarray) -> int:
    """Return how many pairs of numbers (n,) are equal; numbers: integers from 0."""
    return sum(_pairs(int(count)) for count in np.bincount(numbers))


def influences(reliabilities: np.ndarray, observed: int, temperature: float) -> np.ndarray:
    """Return shares of influence: a softmax over reliabilities that hardens as observations accumulate.

    tau = temperature / (1 + log(observed)). Shape: (m,) -> (m,), not negative, sum 1.
    """
    tau = temperature / (1 + np.log(max(observed, 1)))
    weights = np.exp((reliabilities - np.max(reliabilities)) / tau)
    shares: np.ndarray = weights / weights.sum()
    return shares
