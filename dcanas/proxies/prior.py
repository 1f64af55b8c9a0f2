"""A prior for NAS-Bench-201: what accuracies that others have published for other images say about a member.

A ridge regression on what a cell consists of: operations of the edges, alone and in pairs, and numbers of operations in
it and along its paths from the input to the output. It is fitted to the log odds of a member's rank, so that the best
and the worst are told apart as well as those between them, and tables of different images can be averaged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.spaces import Space
from dcanas.spaces.nasbench201 import EDGES, OPERATIONS

FITTED = Path(__file__).with_name("nasbench201_prior.json")  # made by `python -m tools fit_prior`
RIDGE, PARTS = 30.0, ("edges", "pairs", "numbers")  # chosen by `python -m tools choose_prior`
COUNTS = 10  # numbers of operations along paths are 0 to 9
FEWEST = 50  # members with a published accuracy, to fit or to judge by
PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))  # edges of every path from the input to the output
CONVOLUTIONS, LARGE, POOLS = (("nor_conv_1x1", "nor_conv_3x3"), ("nor_conv_3x3",), ("avg_pool_3x3",))


def features(choices: np.ndarray) -> np.ndarray:
    """Return what the prior knows of members, see `feature_parts`. Shape: (n, 6) -> (n, features) float32."""
    parts = feature_parts(choices)
    return np.hstack([parts[name] for name in PARTS])


def feature_parts(choices: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features by kind, each 0 or 1.

    Args:
        choices: members of NAS-Bench-201, which have no dead edge. Shape: (n, 6).

    Returns:
        edges, pairs, paths (their operations), numbers: (n, features) float32.
    """
    live = np.stack([(choices[:, path] > 0).all(1) for path in PATHS], 1)  # 0 is `none`
    numbers = [(choices == option).sum(1) for option in range(1, len(OPERATIONS))]
    numbers += [live.sum(1), _along(choices, ("skip_connect",), live, every=True).sum(1)]
    for kind in (CONVOLUTIONS, LARGE, POOLS):
        found = _along(choices, kind, live)
        numbers += [found.max(1), np.where(live, found, COUNTS - 1).min(1), found.sum(1)]
    edges, pairs = (combinations(range(len(EDGES)), size) for size in (1, 2))
    parts = {"edges": [_one_hot(choices, edge) for edge in edges], "pairs": [_one_hot(choices, pair) for pair in pairs],
             "paths": [_one_hot(choices, path) * live[:, [i]] for i, path in enumerate(PATHS)],
             "numbers": [np.eye(COUNTS)[number] for number in numbers]}
    return {name: np.hstack(part).astype(np.float32) for name, part in parts.items()}


def log_odds(accuracies: np.ndarray) -> np.ndarray:
    """Return the log odds of the ranks of accuracies, standardised, ties at their mean. Shape: (n,) -> (n,)."""
    ranks = rankdata(accuracies) - 0.5
    odds = np.log(ranks / (len(ranks) - ranks))
    return np.asarray((odds - odds.mean()) / max(float(odds.std()), 1e-12))


def fit(known: np.ndarray, targets: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """Return the weights of a ridge regression.

    Args:
        known: features of members. Shape: (n, features).
        targets: see `log_odds`; several columns are fitted at once. Shape: (n,) or (n, tables).

    Returns:
        (features,) or (features, tables).
    """
    moments = known.T @ known
    moments[np.diag_indices_from(moments)] += ridge
    return np.asarray(cho_solve(cho_factor(moments, overwrite_a=True), known.T @ targets.astype(np.float32)))


@dataclass(frozen=True)
class Prior:
    """A fitted prior.

    Attributes:
        data: the data sets whose published accuracies it was fitted to.
        weights: their mean. Shape: (features,).
    """

    data: tuple[str, ...]
    weights: np.ndarray

    def values(self, choices: np.ndarray) -> np.ndarray:
        """Return what it says of members, larger is better. Shape: (n, 6) -> (n,)."""
        return np.asarray(features(choices) @ self.weights, dtype=float)


def prior_for(name: str, classes: Sequence[str]) -> Prior:
    """Return the prior for some images, fitted to the published data sets that they are not from.

    Args:
        name: of the data set (`data.name`).
        classes: names of the classes, such as those of a folder into which CIFAR-10 was unpacked.
    """
    return load_prior(known_from(name, classes))


def load_prior(without: Collection[str] = ()) -> Prior:
    """Return the prior that is shipped, without what some data sets have taught it.

    Raises:
        UserError: nothing is left.
    """
    stored = _fitted()
    kept = {name: weights for name, weights in stored.items() if name not in without}
    if not kept:
        raise UserError(f"The prior is known from {' and '.join(stored)} only, the data to be judged: it would be "
                        "looking up the answer; use training-free scores (`dcanas list proxies`).")
    return Prior(tuple(kept), np.mean(list(kept.values()), axis=0))


def known_from(name: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Return which of the published data sets some images are from: by name, or as all their classes are its own.

    name, classes: see `prior_for`.
    """
    asked = {text.strip().lower().replace(" ", "_") for text in classes}
    return tuple(data for data, theirs in _classes().items() if name == data or asked <= theirs)


def check_known(space: Space) -> None:
    """Raise `UserError` for a space in which no accuracies were published that a prior is fitted to."""
    if space.name != "nasbench201":
        raise UserError(f"The prior is known for nasbench201 only, not for {space.name}; name training-free scores "
                        "(`dcanas list proxies`) in search.names instead.")


@cache
def _fitted() -> Mapping[str, np.ndarray]:
    return {name: np.array(weights, dtype=np.float32) for name, weights in read_json(FITTED)["weights"].items()}


@cache
def _classes() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(names) for name, names in read_json(FITTED)["classes"].items()}


def _one_hot(choices: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    code = np.zeros(len(choices), dtype=np.int64)
    for edge in edges:
        code = code * len(OPERATIONS) + choices[:, edge]
    return np.eye(len(OPERATIONS) ** len(edges), dtype=np.float32)[code]


def _along(choices: np.ndarray, names: Sequence[str], live: np.ndarray, every: bool = False) -> np.ndarray:
    """Return per path how many of its operations are among some, 0 if the path is cut; every: whether all are.

    Shape: (n, paths).
    """
    among = np.isin(choices, [OPERATIONS.index(name) for name in names])
    found = [among[:, path].all(1) if every else among[:, path].sum(1) for path in PATHS]
    return np.stack(found, 1) * live
