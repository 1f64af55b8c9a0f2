"""The integer programme over slots, groups and linear limits (HiGHS through scipy): exact answers in large spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dcanas.costs.linear import LinearCost
from dcanas.spaces import Architecture, Space

LOWEST = -1e6  # stands for a score of minus infinity


def best_within(space: Space, scores: Sequence[Any], limits: Sequence[tuple[LinearCost, float]],
                excluded: Sequence[Architecture] = ()) -> Architecture | None:
    """Return the code with the largest sum of scores whose linear costs keep their upper limits.

    One binary variable per slot and option, one option per slot, exactly k used slots per group, one row per limit,
    and one row per excluded code. Returns None if no code is left, which HiGHS proves.

    Args:
        scores: per slot one number per option.
        limits: linear costs and their upper limits, in the cost's unit.
        excluded: codes that must not be returned.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # here: half a second, which few processes need

    sizes = [len(s.options) for s in space.slots]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    total = int(starts[-1])
    flat = np.concatenate([np.nan_to_num(np.asarray(row, dtype=float), neginf=LOWEST) for row in scores])
    rows, lower, upper = [], [], []

    def add(row: np.ndarray, low: float, high: float) -> None:
        rows.append(row)
        lower.append(low)
        upper.append(high)

    for slot, size in enumerate(sizes):
        row = np.zeros(total)
        row[starts[slot]:starts[slot] + size] = 1
        add(row, 1, 1)
    for group in space.groups:
        row = np.zeros(total)
        for slot in group.slots:
            for option, name in enumerate(space.slots[slot].options):
                row[starts[slot] + option] = name != group.unused
        add(row, group.k, group.k)
    for cost, limit in limits:
        scale = max(abs(limit), 1e-12)  # rows of order one: costs differ by ten powers of ten
        add(np.concatenate([np.asarray(r) for r in cost.table]) / scale, -np.inf, (limit - cost.base) / scale)
    for arch in excluded:
        row = np.zeros(total)
        row[[starts[i] + c for i, c in enumerate(arch.choices)]] = 1
        add(row, -np.inf, len(sizes) - 1)
    answer = milp(-flat, constraints=LinearConstraint(np.array(rows), np.array(lower), np.array(upper)),
                  integrality=np.ones(total), bounds=Bounds(0, 1), options={"mip_rel_gap": 0})
    if answer.status == 2:  # infeasible
        return None
    if answer.x is None:
        raise RuntimeError(f"HiGHS gave no answer: {answer.message}")
    return space.architecture(int(np.argmax(answer.x[starts[i]:starts[i + 1]])) for i in range(len(sizes)))
