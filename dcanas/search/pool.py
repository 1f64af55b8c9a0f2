"""Candidates within the budget, for a selector to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dcanas.costs import CostModel
from dcanas.costs.members import as_architecture
from dcanas.spaces import Architecture, Space

LARGEST = 5  # candidates taken for their size alone, by each cost


@dataclass(frozen=True)
class Candidate:
    """A feasible member, its score under the search's alphas and what put it into the pool."""

    architecture: Architecture
    score: float
    origin: str


def total_scores(scores: Sequence[np.ndarray], choices: np.ndarray) -> np.ndarray:
    """Return the sum over slots of the chosen options' scores. Shape: (n, slots) -> (n,)."""
    return sum(np.asarray(row, dtype=float)[choices[:, i]] for i, row in enumerate(scores))


def make_pool(space: Space, scores: Sequence[np.ndarray], choices: np.ndarray, size: int, seed: int,
              sizes: Sequence[CostModel] = ()) -> list[Candidate]:
    """Return at least `size` distinct candidates from the feasible members `choices` (all, where they are fewer).

    Half are the best by score; the largest few by each cost in `sizes` (ties: the better score); a quarter are drawn
    in proportion to the probability the alphas give them (exp of the score, without replacement); the rest are
    feasible neighbours of the best, then the next best.
    """
    values = total_scores(scores, choices)
    order = np.argsort(-values, kind="stable")
    rng = np.random.default_rng(seed)
    origin: dict[int, str] = {int(i): "score" for i in order[:max(1, size // 2)]}
    for cost in sizes:
        for i in np.lexsort((-values, -cost.values(choices)))[:LARGEST]:
            origin.setdefault(int(i), f"largest {cost.name}")
    weights = np.exp(values - values.max())
    draws = min(size // 4, int((weights > 0).sum()))
    if draws:
        for i in rng.choice(len(choices), draws, replace=False, p=weights / weights.sum()):
            origin.setdefault(int(i), "sample")
    index = {tuple(row): i for i, row in enumerate(choices.tolist())}
    for best in order[:max(1, size // 2)]:
        for other in space.neighbours(as_architecture(space, choices[best])):
            if len(origin) < size and other.choices in index:
                origin.setdefault(index[other.choices], "neighbour")
    for i in order:
        if len(origin) >= size:
            break
        origin.setdefault(int(i), "score")
    return [Candidate(as_architecture(space, choices[i]), float(values[i]), why) for i, why in origin.items()]


def sizes_of(known: Sequence[CostModel]) -> list[CostModel]:
    """Return the costs by which "the largest network within the limits" is meant."""
    return [cost for cost in known if cost.name in ("params", "macs")]
