"""Robust accuracy predicted by a random forest from a feature array (Lukasik et al., GCPR 2023; arXiv 2307.09365)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kendalltau
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.benchmarks.robustness_features import Features

TREES = 100
WIDE = 64  # features


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows to test on; no class has rows in both."""

    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Quality:
    """How well one target is predicted: on other rows (r2, kendall), out of bag, and on the rows learnt from."""

    r2: float
    kendall: float
    out_of_bag: float
    train_r2: float


def split_classes(classes: Sequence[Any], n_train: int, seed: int) -> Split:
    """Return a split with at least `n_train` rows to learn from: whole classes, drawn at random.

    Architectures of one canonical class are the same network with the same accuracy: in both parts they would be
    remembered, not predicted.

    Args:
        classes: class of every row. Shape: (N,).
        n_train: least number of rows to learn from.

    Raises:
        UserError: there are too few rows.
    """
    names, inverse = np.unique(np.asarray(classes), return_inverse=True)
    if not 1 < n_train < len(inverse):
        raise UserError(f"There are {len(inverse)} architectures; n_train must lie between 2 and {len(inverse) - 1}, "
                        f"got {n_train}.")
    order = np.random.default_rng(derive_seed(seed, "split", n_train)).permutation(len(names))
    sizes = np.bincount(inverse)[order]
    used = order[:int(np.searchsorted(sizes.cumsum(), n_train)) + 1]
    inside = np.isin(inverse, used)
    if inside.all():
        raise UserError("All architectures are of the classes to learn from; lower n_train.")
    return Split(np.flatnonzero(inside), np.flatnonzero(~inside))


def fit_forest(features: Features, targets: np.ndarray, rows: np.ndarray, seed: int = 42,
               jobs: int = 1) -> RandomForestRegressor:
    """Return a forest of 100 trees with bootstrap and out-of-bag score.

    Every split of a tree sees all features, as published; of more than 64, which then repeat each other, three in ten:
    a third of the time, and no worse.

    Args:
        targets: (N,), or (N, targets) for one forest that predicts them together.
        rows: indices of the rows to learn from.
        jobs: processes.
    """
    share = 1.0 if len(features.names) <= WIDE else 0.3
    forest = RandomForestRegressor(n_estimators=TREES, bootstrap=True, oob_score=True, random_state=seed, n_jobs=jobs,
                                   max_features=share)
    return forest.fit(features.values[rows], targets[rows])


def judge(forest: RandomForestRegressor, features: Features, targets: np.ndarray, split: Split) -> list[Quality]:
    """Return the quality of a forest for each target, in order.

    Args:
        forest: fitted on `split.train`.
        targets: (N,) or (N, targets).
    """
    targets = targets.reshape(len(targets), -1)
    known, guessed = (forest.predict(features.values[rows]).reshape(len(rows), -1)
                      for rows in (split.train, split.test))
    out_of_bag = np.asarray(forest.oob_prediction_).reshape(len(split.train), -1)
    qualities = []
    for k in range(targets.shape[1]):
        learnt, true = targets[split.train, k], targets[split.test, k]
        seen = np.isfinite(out_of_bag[:, k])
        qualities.append(Quality(float(r2_score(true, guessed[:, k])), float(kendalltau(true, guessed[:, k])[0]),
                                 float(r2_score(learnt[seen], out_of_bag[seen, k])),
                                 float(r2_score(learnt, known[:, k]))))
    return qualities


def predictability(features: Features, targets: np.ndarray, classes: Sequence[Any], n_train: int, splits: int = 5,
                   seed: int = 0, jobs: int = 1) -> list[list[Quality]]:
    """Return per split the quality for each target.

    Args:
        targets: (N,), or (N, targets) for one forest that predicts them together.
        classes: class of every row; no class has rows in both parts of a split. Shape: (N,).
        n_train: least number of rows to learn from.
        splits: number of splits.
        jobs: processes.
    """
    found = []
    for number in range(splits):
        split = split_classes(classes, n_train, derive_seed(seed, "repeat", number))
        forest = fit_forest(features, targets, split.train, jobs=jobs)
        found.append(judge(forest, features, targets, split))
    return found


def importances(features: Features, target: np.ndarray, split: Split, seed: int = 42, repeats: int = 5,
                jobs: int = 1) -> dict[str, dict[str, float]]:
    """Return two importances of every feature.

    Args:
        target: (N,).
        repeats: shuffles of every column.
        jobs: processes.

    Returns:
        `impurity`: mean decrease in the trees, sums to 1; `permutation`: loss of R2 on the test rows with the column
        shuffled.
    """
    forest = fit_forest(features, target, split.train, seed, jobs)
    shuffled = permutation_importance(forest, features.values[split.test], target[split.test], n_repeats=repeats,
                                      random_state=seed, n_jobs=jobs).importances_mean
    return {"impurity": dict(zip(features.names, forest.feature_importances_.tolist(), strict=True)),
            "permutation": dict(zip(features.names, shuffled.tolist(), strict=True))}


def ablation(features: Features, target: np.ndarray, classes: Sequence[Any], n_train: int,
             categories: Mapping[str, Sequence[str]], splits: int = 5, seed: int = 0,
             jobs: int = 1) -> dict[str, float]:
    """Return mean test R2 with subsets of the features.

    Args:
        target: (N,).
        classes, n_train, splits, jobs: see `predictability`.
        categories: name -> features.

    Returns:
        `all`, each category `only` and `without` it, and the single feature of the largest impurity importance on
        the rows learnt from, per split (`top 1`, `all but top 1`).
    """
    rows: dict[str, list[float]] = {}
    for number in range(splits):
        split = split_classes(classes, n_train, derive_seed(seed, "repeat", number))

        def r2(chosen: Features, split: Split = split) -> float:
            return judge(fit_forest(chosen, target, split.train, jobs=jobs), chosen, target, split)[0].r2

        forest = fit_forest(features, target, split.train, jobs=jobs)
        best = features.names[int(np.argmax(forest.feature_importances_))]
        rows.setdefault("all", []).append(judge(forest, features, target, split)[0].r2)
        rows.setdefault("top 1", []).append(r2(features.only([best])))
        rows.setdefault("all but top 1", []).append(r2(features.without([best])))
        for name, members in categories.items():
            rows.setdefault(f"only {name}", []).append(r2(features.only(list(members))))
            rows.setdefault(f"without {name}", []).append(r2(features.without(list(members))))
    return {name: float(np.mean(values)) for name, values in rows.items()}


def kendall_matrix(first: Features, second: Features) -> np.ndarray:
    """Return Kendall's tau-b of every column of one table with every column of the other, (first, second)."""
    return np.array([[kendalltau(a, b)[0] for b in second.values.T] for a in first.values.T])
