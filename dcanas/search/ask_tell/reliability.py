"""How well a score orders what was observed, and the influence that it gets for that (ProxyBO).

Shen et al., "ProxyBO: Accelerating Neural Architecture Search via Bayesian Optimization with Zero-cost Proxies"
(arXiv 2110.10423, AAAI 2023).
"""

from __future__ import annotations

import numpy as np


def reliability(scores: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of observed pairs that each score orders as they are.

    A pair of equal values says nothing and does not count; a score that is equal (or absent, NaN) for both orders
    half of it; a score that exists for one of them only prefers that one. Without any pair: 0.5, knowing nothing.

    Shape: (scores, n) and (n,), larger is better -> (scores,) in [0, 1].
    """
    n = len(values)
    first, second = np.triu_indices(n, 1)
    order = np.sign(values[first] - values[second])
    kept = order != 0
    if not kept.any():
        return np.full(len(scores), 0.5)
    first, second, order = first[kept], second[kept], order[kept]
    known = np.where(np.isnan(scores), -np.inf, scores)
    found = np.empty(len(scores))
    for i, row in enumerate(known):  # a row at a time: n^2 / 2 numbers are held once
        a, b = row[first], row[second]
        agreement = (a > b).astype(np.int8) - (a < b)
        found[i] = 0.5 + 0.5 * float(np.mean(agreement * order))
    return found


def influences(reliabilities: np.ndarray, observed: int, temperature: float) -> np.ndarray:
    """Return shares of influence: a softmax over reliabilities that hardens as observations accumulate.

    tau = temperature / (1 + log(observed)). Shape: (m,) -> (m,), not negative, sum 1.
    """
    tau = temperature / (1 + np.log(max(observed, 1)))
    weights = np.exp((reliabilities - np.max(reliabilities)) / tau)
    shares: np.ndarray = weights / weights.sum()
    return shares
