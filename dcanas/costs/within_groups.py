"""Independent probabilities per slot, given that the groups of the space are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dcanas.spaces import Space


def within_groups(space: Space, probabilities: Sequence[Any]) -> list[Any]:
    """Return each slot's probabilities under the condition that every group has exactly its k used slots.

    Under independent slots alone a cell of the DARTS space would use 12 of its 14 edges at the start and cost half as
    much again as any member. Conditioned, what a slot's used options weigh is multiplied by P(k - 1 of the others are
    used) / P(k of all are used), what `unused` weighs by P(k of the others) / P(k of all): rows still sum to 1, the
    used mass of a group to k, and one-hot codes that keep the groups stay as they are. So the expectation of a linear
    cost is that of the independent slots restricted to members, exactly; differentiable.

    Shape: per slot a tensor or array (options,) -> the same.
    """
    rows = list(probabilities)
    for group in space.groups:
        unused = {i: space.slots[i].options.index(group.unused) for i in group.slots}
        idle = {i: probabilities[i][unused[i]] for i in group.slots}
        for i in group.slots:
            ways = _used([(1 - idle[j], idle[j]) for j in group.slots if j != i], group.k)
            fewer = ways[group.k - 1] if group.k else 0.0
            total = (1 - idle[i]) * fewer + idle[i] * ways[group.k]
            row = probabilities[i] * (fewer / total)
            row[unused[i]] = idle[i] * ways[group.k] / total
            rows[i] = row
    return rows


def _used(slots: Sequence[tuple[Any, Any]], most: int) -> list[Any]:
    """Return the probabilities that 0, 1, ... `most` of the slots (probability used, unused) are used."""
    ways: list[Any] = [1.0] + [0.0] * most
    for used, idle in slots:
        ways = [idle * ways[0], *(idle * now + used * one_less for now, one_less in zip(ways[1:], ways, strict=False))]
    return ways
