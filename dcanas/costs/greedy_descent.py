"""Greedy descent to members within a budget, for spaces too large to be listed whose costs do not add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.random import Generator

from dcanas.costs.budget import Budget
from dcanas.costs.model import CostModel
from dcanas.spaces import Architecture, Space

PATIENCE = 200  # mutations rejected in a row before every neighbour is tried
STARTS = 3


def violation(arch: Architecture, limited: Sequence[CostModel], budget: Budget) -> float:
    """Return the relative amounts by which the upper bounds of an architecture's costs exceed their limits, summed."""
    over = 0.0
    for cost in limited:
        ratio = cost.upper(arch) / budget[cost.name]
        over += max(0.0, 1 - ratio if cost.name.endswith("_min") else ratio - 1)
    return over


def greedy_descent(space: Space, limited: Sequence[CostModel], budget: Budget, rng: Generator) -> Architecture | None:
    """Return a random member within the budget, or None if several descents ended above it.

    A random member is mutated as long as the violation falls, so results spread over the boundary of the feasible part.

    Args:
        limited: the costs that have a limit.
    """
    for _ in range(STARTS):
        arch = _down(space, space.sample(rng), lambda a: violation(a, limited, budget), rng, 0.0)
        if violation(arch, limited, budget) == 0:
            return arch
    return None


def smallest(space: Space, cost: CostModel, rng: Generator) -> Architecture:
    """Return the member at which a greedy descent on one cost ends."""
    return _down(space, space.sample(rng), cost.upper, rng, float("-inf"))


def _down(space: Space, arch: Architecture, height: Callable[[Architecture], float], rng: Generator,
          goal: float) -> Architecture:
    here, refused = height(arch), 0
    while here > goal:
        if refused < PATIENCE:
            other = space.mutate(arch, rng)
        else:
            other = min(space.neighbours(arch), key=height)
            if height(other) >= here:
                return arch
        there = height(other)
        if there < here:
            arch, here, refused = other, there, 0
        else:
            refused += 1
    return arch
