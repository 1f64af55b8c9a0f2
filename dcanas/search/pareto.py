"""Pareto fronts: which points are not dominated, the volume that they dominate together, and the knee."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def non_dominated(losses: np.ndarray) -> np.ndarray:
    """Return which points no other dominates: at most as large everywhere and smaller somewhere; all of equal ones.

    Shape: (n, objectives), smaller is better -> (n,) bool.
    """
    found = np.zeros(len(losses), dtype=bool)
    left = np.lexsort(losses.T[::-1])  # what dominates a point comes before it
    while len(left):
        point = losses[left[0]]
        found[left[0]] = True
        left = left[1:]
        left = left[(losses[left] < point).any(1) | (losses[left] == point).all(1)]
    return found


def hypervolume(losses: np.ndarray, reference: np.ndarray | Sequence[float]) -> float:
    """Return the volume that the points dominate below `reference` (Zitzler and Thiele, 1999).

    By slices along the last objective (While et al., 2006): between two of its values the volume is that of the others,
    in one dimension less.

    Shape: (n, objectives), (objectives,), smaller is better.
    """
    reference = np.asarray(reference, dtype=float)
    inside = np.unique(losses[(losses < reference).all(1)], axis=0)
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(reference[0] - inside[:, 0].min())
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    ends = np.append(inside[1:, -1], reference[-1])
    total = 0.0
    for i, thickness in enumerate(ends - inside[:, -1]):
        if thickness > 0:
            kept = inside[:i + 1, :-1]
            total += thickness * hypervolume(kept[non_dominated(kept)], reference[:-1])
    return float(total)


def knee(losses: np.ndarray) -> int:
    """Return the knee of a front: the point nearest to the ideal one, objectives scaled to the front's ranges.

    Shape: (n, objectives), smaller is better, all of a front -> its row.
    """
    low, high = losses.min(0), losses.max(0)
    scaled = (losses - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin(np.linalg.norm(scaled, axis=1)))
