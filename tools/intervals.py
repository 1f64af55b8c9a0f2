"""Intervals as text: Student's over limits or seeds, a bootstrap over networks."""

from __future__ import annotations

import numpy as np

from dcanas.benchmarks.leaderboard import student_interval
from dcanas.proxies.rank_statistics import interval, kendall


def student(differences: np.ndarray) -> str:
    """Return the mean of paired differences with Student's 95 % interval. Shape: (n,)."""
    low, high = student_interval(differences)
    return f"{differences.mean():+.2f} ({low:+.2f} to {high:+.2f})"


def taus(scores: np.ndarray, accuracy: np.ndarray) -> list[str]:
    """Return Kendall's tau over all networks and within the truly best quarter, each with its 95 % bootstrap interval.

    Shape: both (networks,).
    """
    found = []
    for statistic in (kendall, _within_best_quarter):
        low, high = interval(statistic, scores, accuracy)
        found.append(f"{statistic(scores, accuracy):.3f} ({low:.3f} to {high:.3f})")
    return found


def _within_best_quarter(scores: np.ndarray, accuracy: np.ndarray) -> float:
    best = np.argsort(-accuracy, kind="stable")[:len(accuracy) // 4]
    return kendall(scores[best], accuracy[best])
