"""The prior as the benchmark asks it: about no member that is equal to one it was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs.members import as_architecture, member_choices
from dcanas.proxies.prior import FEWEST, RIDGE, features, fit, log_odds
from dcanas.spaces import load_space

FOLDS = 5


def crossfitted(accuracies: Mapping[str, np.ndarray], seed: int, ridge: float = RIDGE,
                known: np.ndarray | None = None,
                form: Callable[[np.ndarray], np.ndarray] = log_odds) -> np.ndarray:
    """Return what a prior says of every member, fitted without the members equal to it (by `canonical`).

    Args:
        accuracies: of the data sets that it is fitted to, in percent, NaN if there is none; name -> (members,).
        seed: of the division of the classes of equal members into five folds.
        known: features of the members; None: those of the prior. Shape: (members, features).
        form: what of the accuracies is fitted. Shape: (n,) -> (n,).

    Returns:
        (members,), larger is better.
    """
    if not accuracies:
        raise UserError("There is no published table of another data set that the prior could be fitted to.")
    known = all_features() if known is None else known
    classes = equal_members()
    fold = np.random.default_rng(seed).permutation(classes.max() + 1)[classes] % FOLDS
    found = np.zeros(len(known))
    for name, values in accuracies.items():
        there = ~np.isnan(values)
        if there.sum() < FEWEST:
            raise UserError(f"{name} has accuracies of {there.sum()} members; a prior needs at least {FEWEST}.")
        for number in range(FOLDS):
            out = fold == number
            found[out] += known[out] @ fit(known[there & ~out], form(values[there & ~out]), ridge)
    return found / len(accuracies)


@lru_cache(maxsize=1)
def equal_members() -> np.ndarray:
    """Return the number of every member's class of equal networks. Shape: (members,)."""
    space = load_space("nasbench201")
    numbers: dict[tuple[int, ...], int] = {}
    return np.array([numbers.setdefault(space.canonical(as_architecture(space, row)).choices, len(numbers))
                     for row in member_choices(space)])


@lru_cache(maxsize=1)
def all_features() -> np.ndarray:
    """Return the prior's features of every member. Shape: (members, features)."""
    return features(member_choices(load_space("nasbench201")))
