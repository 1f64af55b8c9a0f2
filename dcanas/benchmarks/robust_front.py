"""Clean accuracy, robust accuracy and latency at once: a front from few measured networks, the rest predicted.

A network has to be trained and attacked before its robust accuracy is known, so both accuracies are predicted: a
forest learns them together from the networks measured so far (Lukasik et al., GCPR 2023), and the next to be measured
are those whose prediction would add most to the front's hypervolume. Latency is looked up and needs no prediction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.benchmarks.hypervolume import Gain, front
from dcanas.benchmarks.robustness_features import Features
from dcanas.benchmarks.robustness_prediction import fit_forest

FIRST, ROUND = 64, 8  # networks drawn at random, networks proposed between two forests
REFERENCE = (0.0, 0.0)  # of both accuracies


def search_front(features: Features, latency: np.ndarray, measure: Callable[[int], tuple[float, float]],
                 evaluations: int, seed: int) -> list[int]:
    """Return the rows of `features` that were measured, in order.

    features: one row per candidate network; latency: (n,) of each, in any unit. measure: row -> clean accuracy and
    robust accuracy in percent; asked once per row. Raises `UserError` for fewer evaluations than the first draw.
    """
    if not FIRST < evaluations <= len(features):
        raise UserError(f"A front needs more than the {FIRST} evaluations of its first draw and at most one per "
                        f"candidate ({len(features)}), got {evaluations}.")
    rng = np.random.default_rng(derive_seed(seed, "front"))
    rows = [int(row) for row in rng.permutation(len(features))[:FIRST]]
    found = {row: measure(row) for row in rows}
    slowest, fastest = float(latency.max()), float(latency.min())
    while len(rows) < evaluations:
        measured = np.array([found[row] for row in rows])
        targets = np.zeros((len(features), 2))
        targets[rows] = measured
        forest = fit_forest(features, targets, np.array(rows), seed=derive_seed(seed, "forest", len(rows)) % 2**32)
        predicted = np.column_stack([forest.predict(features.values), -latency])
        gain = Gain(np.column_stack([measured, -latency[rows]]), (*REFERENCE, -slowest), (100.0, 100.0, -fastest),
                    derive_seed(seed, "gain", len(rows)) % 2**32)
        left = np.setdiff1d(np.arange(len(features)), rows)
        left = left[front(predicted[left])]  # nothing else can add as much
        for _ in range(min(ROUND, evaluations - len(rows), len(left))):
            best = int(np.argmax(gain.of(predicted[left])))
            row = int(left[best])
            rows.append(row)
            found[row] = measure(row)
            gain.add(predicted[row])
            left = np.delete(left, best)
    return rows
