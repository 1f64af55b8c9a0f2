"""The surrogate of Bayesian optimisation: a random forest, its spread as uncertainty, and expected improvement.

It is fitted to normal scores of the values, not to the values: a forest of a hundred accuracies would otherwise explain
little but the few networks that learn nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import rankdata
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor

TREES = 25
FEATURES = 1 / 3  # of them looked at per split, as Breiman (2001) advises for regression: trees that differ
FOLDS = 5
GROWTH = 1.1  # of the observations between two cross-validations, or two forests
ALWAYS_FITTED = 200  # observations up to which every proposal has a forest of all of them
LEAST_CROSS_VALIDATED = 10  # observations; with fewer the surrogate's reliability is 0


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Return what a sample of as many standard normal numbers would have at these ranks, ties at their mean.

    Blom's (r - 3/8) / (n + 1/4). As the target of a surrogate: Salinas et al., ICML 2020. Shape: (n,) -> (n,).
    """
    scores: np.ndarray = ndtri((rankdata(values) - 0.375) / (len(values) + 0.25))
    return scores


class Forest:
    """A random forest (Breiman, 2001) on standardised values: trees on bootstrap samples, grown to the end.

    Made of scikit-learn's trees without its forest around them, whose checks and jobs take longer than trees of a
    hundred observations.
    """

    def __init__(self, features: np.ndarray, values: np.ndarray, seed: int, trees: int = TREES):
        self._mean, self._scale = float(values.mean()), float(values.std()) or 1.0
        rng = np.random.default_rng(seed)
        single = np.ascontiguousarray(features, dtype=np.float32)
        targets = ((values - self._mean) / self._scale)[:, None]
        self._trees = []
        for _ in range(trees):
            drawn = rng.integers(len(values), size=len(values))
            tree = DecisionTreeRegressor(max_features=FEATURES, random_state=int(rng.integers(2 ** 31)))
            self._trees.append(tree.fit(single[drawn], targets[drawn], check_input=False))

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation over the trees. Shape: (n, features) -> (n,), (n,)."""
        single = np.ascontiguousarray(features, dtype=np.float32)
        each = np.array([tree.tree_.predict(single)[:, 0] for tree in self._trees])
        return each.mean(0) * self._scale + self._mean, each.std(0) * self._scale


def cross_validated(features: np.ndarray, values: np.ndarray, seed: int, trees: int = TREES) -> np.ndarray | None:
    """Return a prediction of every value by a forest that has not seen it (5 folds); None below ten observations."""
    if len(values) < LEAST_CROSS_VALIDATED:
        return None
    found = np.empty(len(values))
    for fold, (train, held) in enumerate(KFold(FOLDS, shuffle=True, random_state=seed % 2 ** 32).split(features)):
        found[held] = Forest(features[train], values[train], seed + fold, trees).predict(features[held])[0]
    return found


def cross_validated_count(observed: int) -> int:
    """Return of how many observations the surrogate is cross-validated: the steps of a series growing by a tenth.

    Five more forests per proposal would be most of its time; after the first twenty observations a tenth more of them
    changes little.
    """
    return _step(observed, LEAST_CROSS_VALIDATED)


def fitted_count(observed: int) -> int:
    """Return of how many observations the surrogate is made: all of `ALWAYS_FITTED`, then the steps of such a series.

    A forest of ten thousand observations takes a hundred times as long as one of a hundred, and one more of them
    changes nothing.
    """
    return _step(observed, ALWAYS_FITTED)


def _step(observed: int, least: int) -> int:
    steps = least
    while observed >= least and (following := max(steps + 1, round(steps * GROWTH))) <= observed:
        steps = following
    return min(steps, observed)


def log_expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    """Return log E[max(y - best, 0)] of normal beliefs, also if EI itself would be 0 in floating point.

    EI = s (phi(z) + z Phi(z)), z = (mean - best) / s (Jones et al., 1998); for z < -5 the logarithm of phi(z) / z^2
    times its second-order correction (Ament et al., NeurIPS 2023). Without any spread: log of the difference, or minus
    infinity. Shape: (n,), (n,) -> (n,).
    """
    spread = deviation > 1e-12 * max(1.0, float(np.abs(mean).max(initial=0.0)))
    s = np.where(spread, deviation, 1.0)
    z = (mean - best) / s
    near = np.maximum(z, -5.0)
    density = np.exp(-0.5 * near ** 2) / np.sqrt(2 * np.pi)
    far = np.minimum(z, -5.0)
    tail = -0.5 * far ** 2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(-far) + np.log1p(-3 / far ** 2 + 15 / far ** 4)
    with np.errstate(divide="ignore"):
        certain = np.log(np.maximum(mean - best, 0.0))
        inner = np.log(density + near * ndtr(near))
    return np.where(spread, np.where(z > -5, inner, tail) + np.log(s), certain)


def log_probability_within(value: np.ndarray, limit: float, deviation: np.ndarray) -> np.ndarray:
    """Return log P(cost <= limit) of a normal belief about a cost; a step function if the deviation is 0.

    Shape: (n,), (n,) -> (n,).
    """
    with np.errstate(divide="ignore"):
        exact = np.log((value <= limit).astype(float))
    unsure = deviation > 0
    found: np.ndarray = np.where(unsure, log_ndtr((limit - value) / np.where(unsure, deviation, 1.0)), exact)
    return found
