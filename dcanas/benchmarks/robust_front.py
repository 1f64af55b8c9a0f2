"""Clean accuracy, robust accuracy and latency at once: a front from few measured networks, the rest predicted.

A network has to be trained and attacked before its robust accuracy is known, so both accuracies are predicted: a
forest learns them together from the networks measured so far (Lukasik et al., GCPR 2023), and the next to be measured
are those whose prediction would add most to the front's hypervolume. Latency is looked up and needs no prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import qmc

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.benchmarks.robustness_features import Features
from dcanas.benchmarks.robustness_prediction import fit_forest
from dcanas.search.pareto import non_dominated

FIRST, ROUND = 64, 8  # networks drawn at random, networks proposed between two forests
REFERENCE, IDEAL = (0.0, 0.0), (-100.0, -100.0)  # of both accuracies, as losses
POINTS = 12  # 2 to this power estimate a volume


def search_front(features: Features, latency: np.ndarray, measure: Callable[[int], tuple[float, float]],
                 evaluations: int, seed: int) -> list[int]:
    """Return the rows of `features` that were measured, in order.

    Args:
        features: one row per candidate network.
        latency: of each network, in any unit. Shape: (n,).
        measure: returns clean and robust accuracy of a row in percent; called once per row.
        evaluations: number of networks to measure.

    Raises `UserError` for fewer evaluations than the first draw.
    """
    if not FIRST < evaluations <= len(features):
        raise UserError(f"A front needs more than the {FIRST} evaluations of its first draw and at most one per "
                        f"candidate ({len(features)}), got {evaluations}.")
    rng = np.random.default_rng(derive_seed(seed, "front"))
    rows = [int(row) for row in rng.permutation(len(features))[:FIRST]]
    found = {row: measure(row) for row in rows}
    slowest, fastest = float(latency.max()), float(latency.min())
    while len(rows) < evaluations:
        losses = -np.array([found[row] for row in rows])
        targets = np.zeros((len(features), 2))
        targets[rows] = -losses
        forest = fit_forest(features, targets, np.array(rows), seed=derive_seed(seed, "forest", len(rows)) % 2**32)
        predicted = np.column_stack([-forest.predict(features.values), latency])
        gain = Gain(np.column_stack([losses, latency[rows]]), (*REFERENCE, slowest), (*IDEAL, fastest),
                    derive_seed(seed, "gain", len(rows)) % 2**32)
        left = np.setdiff1d(np.arange(len(features)), rows)
        left = left[non_dominated(predicted[left])]  # nothing else can add as much
        for _ in range(min(ROUND, evaluations - len(rows), len(left))):
            best = int(np.argmax(gain.of(predicted[left])))
            row = int(left[best])
            rows.append(row)
            found[row] = measure(row)
            gain.add(predicted[row])
            left = np.delete(left, best)
    return rows


class Gain:
    """How much each candidate would add to a front: the share of 4,096 Sobol points that only it dominates.

    Args:
        measured: points of the front, smaller is better. Shape: (n, objectives).
        reference, ideal: the worst and the best corner of the box that all points lie in.
    """

    def __init__(self, measured: np.ndarray, reference: Sequence[float], ideal: Sequence[float], seed: int):
        worst, best = np.asarray(reference, float), np.asarray(ideal, float)
        self._points = worst + (best - worst) * qmc.Sobol(len(worst), seed=seed).random_base2(POINTS)
        for point in measured:
            self.add(point)

    def add(self, point: np.ndarray) -> None:
        """Count what this point dominates as gained."""
        self._points = self._points[~(self._points > point).all(1)]

    def of(self, candidates: np.ndarray) -> np.ndarray:
        """Return what each candidate would add. Shape: (n, objectives) -> (n,)."""
        inside = np.ones((len(candidates), len(self._points)), dtype=bool)
        for axis in range(candidates.shape[1]):
            inside &= self._points[None, :, axis] > candidates[:, axis, None]
        return inside.mean(1) if len(self._points) else np.zeros(len(candidates))
