"""How well a score ranks networks: the statistics of the zero-cost benchmarks, with intervals.

Scores and targets are oriented so that larger is better. A missing score (NaN) ranks below all others: a network
without a score would not be chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from dcanas.basics.errors import UserError

DRAWS = 1000
Statistic = Callable[[np.ndarray, np.ndarray], float]


def _worst(values: np.ndarray) -> np.ndarray:
    """Return the values with NaN below every number."""
    values = np.asarray(values, dtype=float)
    missing = np.isnan(values)
    if not missing.any():
        return values
    low = values[~missing].min() if not missing.all() else 0.0
    return np.where(missing, low - 1 - abs(low), values)


def _correlation(function: Callable[..., object], scores: np.ndarray, targets: np.ndarray) -> float:
    scores, targets = _worst(scores), np.asarray(targets, float)
    if len(scores) < 2 or np.ptp(scores) == 0 or np.ptp(targets) == 0:
        return float("nan")  # a constant ranks nothing
    return float(function(scores, targets).statistic)  # type: ignore[attr-defined]


def spearman(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; NaN if one side is constant."""
    return _correlation(stats.spearmanr, scores, targets)


def kendall(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return Kendall's tau-b."""
    return _correlation(stats.kendalltau, scores, targets)


def weighted_kendall(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return Vigna's weighted tau: exchanges among the best count more (additive hyperbolic weights)."""
    return _correlation(stats.weightedtau, scores, targets)


def precision_at_k(scores: np.ndarray, targets: np.ndarray, k: int) -> float:
    """Return the share of the k best by score that are among the k best by target (ties: the earlier one)."""
    return len(set(_top(scores, k)) & set(_top(targets, k))) / k


def best_ranking_at_k(scores: np.ndarray, targets: np.ndarray, k: int) -> int:
    """Return the best true place, 1 the best of all, among the k best by score."""
    place = stats.rankdata(-np.asarray(targets, float), method="min")
    return int(place[_top(scores, k)].min())


def _top(values: np.ndarray, k: int) -> np.ndarray:
    values = _worst(values)
    if not 1 <= k <= len(values):
        raise UserError(f"K must be from 1 to the number of networks, {len(values)}, got {k}.")
    return np.argsort(-values, kind="stable")[:k]


def partial_spearman(scores: np.ndarray, targets: np.ndarray, given: np.ndarray) -> float:
    """Return the partial rank correlation of scores and targets given a third variable, such as params.

    (r_st - r_sg r_tg) / sqrt((1 - r_sg^2)(1 - r_tg^2)); NaN if `given` explains a side entirely. Shape: (n,) each.
    """
    st, sg, tg = spearman(scores, targets), spearman(scores, given), spearman(targets, given)
    left = (1 - sg ** 2) * (1 - tg ** 2)
    return float((st - sg * tg) / np.sqrt(left)) if left > 1e-12 else float("nan")


def interval(statistic: Statistic, scores: np.ndarray, targets: np.ndarray, seed: int = 0, draws: int = DRAWS
             ) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a statistic over networks; draws without a value do not count."""
    rng = np.random.default_rng(seed)
    scores, targets = np.asarray(scores, float), np.asarray(targets, float)
    found = []
    for _ in range(draws):
        chosen = rng.integers(len(scores), size=len(scores))
        found.append(statistic(scores[chosen], targets[chosen]))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class RankStatistics:
    """How well one score ranks one set of networks.

    Attributes:
        networks: their number.
        spearman_interval (and so on): 95 % bootstrap intervals over networks.
        best_tenth_spearman, best_tenth_kendall: within the truly best tenth of the networks.
    """

    networks: int
    spearman: float
    spearman_interval: tuple[float, float]
    kendall: float
    kendall_interval: tuple[float, float]
    weighted_kendall: float
    precision_at_k: float
    precision_interval: tuple[float, float]
    best_ranking_at_k: int
    best_ranking_interval: tuple[float, float]
    best_tenth_spearman: float
    best_tenth_kendall: float


def rank_statistics(scores: np.ndarray, targets: np.ndarray, k: int = 10, seed: int = 0,
                    draws: int = DRAWS) -> RankStatistics:
    """Return all statistics of one score, larger is better, against one target.

    Args:
        scores, targets: one number per network (n,).
        k: of precision and best ranking.
        draws: of the bootstrap.

    Raises:
        UserError: the shapes differ, or k is out of range.
    """
    scores, targets = np.asarray(scores, float), np.asarray(targets, float)
    if scores.shape != targets.shape or scores.ndim != 1:
        raise UserError(f"Scores and targets must be one number per network, got shapes {scores.shape} and "
                        f"{targets.shape}.")
    tenth = _top(targets, max(2, len(targets) // 10))

    def spread(statistic: Statistic) -> tuple[float, float]:
        return interval(statistic, scores, targets, seed, draws)

    return RankStatistics(
        len(scores), spearman(scores, targets), spread(spearman), kendall(scores, targets), spread(kendall),
        weighted_kendall(scores, targets), precision_at_k(scores, targets, k), spread(partial(precision_at_k, k=k)),
        best_ranking_at_k(scores, targets, k), spread(partial(best_ranking_at_k, k=k)),
        spearman(scores[tenth], targets[tenth]), kendall(scores[tenth], targets[tenth]))
