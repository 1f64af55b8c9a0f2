"""Fronts of several objectives, all to be made large, and the volume they dominate (Zitzler and Thiele, 1999)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc


def front(points: np.ndarray) -> np.ndarray:
    """Return the rows that no other row dominates (no smaller anywhere, larger somewhere). Shape: (n, m) -> (k,)."""
    left = np.lexsort(-points.T[::-1])  # what dominates a row comes before it
    kept: list[int] = []
    while len(left):
        best = points[left[0]]
        kept.append(int(left[0]))
        left = left[1:]
        left = left[(points[left] > best).any(1) | (points[left] == best).all(1)]
    return np.array(sorted(kept), dtype=np.int64)


def hypervolume(points: np.ndarray, reference: Sequence[float]) -> float:
    """Return the volume that the points dominate above `reference`, exactly, by slices along the last objective.

    Shape: points (n, m), reference (m,).
    """
    above = points[(points > np.asarray(reference)).all(1)]
    if not len(above):
        return 0.0
    if above.shape[1] == 1:
        return float(above.max() - reference[0])
    levels = np.unique(above[:, -1])[::-1]
    floors = np.append(levels[1:], reference[-1])
    return sum(float(top - floor) * hypervolume(_thin(above[above[:, -1] >= top, :-1]), reference[:-1])
               for top, floor in zip(levels, floors, strict=True))


def _thin(points: np.ndarray) -> np.ndarray:
    return points[front(points)]


class Gain:
    """How much each candidate would add to a front: the share of 4,096 Sobol points that only it dominates.

    reference, ideal: corners of the box the points lie in.
    """

    def __init__(self, measured: np.ndarray, reference: Sequence[float], ideal: Sequence[float], seed: int):
        low, high = np.asarray(reference, float), np.asarray(ideal, float)
        self._points = low + (high - low) * qmc.Sobol(len(low), seed=seed).random_base2(12)
        for point in measured:
            self.add(point)

    def add(self, point: np.ndarray) -> None:
        """Take what this point dominates as gained."""
        self._points = self._points[~(self._points < point).all(1)]

    def of(self, candidates: np.ndarray) -> np.ndarray:
        """Return what each candidate would add. Shape: (n, m) -> (n,)."""
        inside = np.ones((len(candidates), len(self._points)), dtype=bool)
        for axis in range(candidates.shape[1]):
            inside &= self._points[None, :, axis] < candidates[:, axis, None]
        return inside.mean(1) if len(self._points) else np.zeros(len(candidates))
