"""Candidates within a budget, and the pool that a selector chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dcanas.costs import Budget, CostModel
from dcanas.costs.members import as_architecture
from dcanas.spaces import Architecture, Space

LARGEST = 5  # candidates taken for their size alone, by each cost


@dataclass(frozen=True)
class Candidate:
    """A feasible member, its score (larger is better) and its origin, such as "score" or "sample"."""

    architecture: Architecture
    score: float
    origin: str


def total_scores(scores: Sequence[np.ndarray], choices: np.ndarray) -> np.ndarray:
    """Return the sum over slots of the chosen options' scores. Shape: (n, slots) -> (n,)."""
    return np.asarray(sum(np.asarray(row, dtype=float)[choices[:, i]] for i, row in enumerate(scores)))


def keeps(arch: Architecture, limited: Sequence[CostModel], budget: Budget) -> bool:
    """Return whether the upper bounds of all limited costs of an architecture are within the budget."""
    return all(bool(budget.allows(cost.name, cost.upper(arch))) for cost in limited)


def within(choices: np.ndarray, limited: Sequence[CostModel], budget: Budget) -> np.ndarray:
    """Return which members keep all limits by the upper bounds of their costs. Shape: (n, slots) -> (n,) bool."""
    kept = np.ones(len(choices), dtype=bool)
    for cost in limited:
        kept &= budget.allows(cost.name, cost.uppers(choices))
    return kept


def make_pool(space: Space, scores: Sequence[np.ndarray], choices: np.ndarray, size: int, seed: int,
              sizes: Sequence[CostModel] = ()) -> list[Candidate]:
    """Return at least `size` distinct candidates from feasible members (all of them if there are fewer).

    Half are the best by score, then come the largest few by each cost in `sizes` (ties: the better score). A quarter
    are drawn without replacement, in proportion to the probability that the alphas give them (exp of the score). The
    rest are feasible neighbours of the best, then the next best.

    Args:
        scores: per slot (options,), larger is better.
        choices: the feasible members, (n, slots).
        seed: of the draws.
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
    """Return the costs that measure the size of a network: parameters and multiply-accumulates."""
    return [cost for cost in known if cost.name in ("params", "macs")]
