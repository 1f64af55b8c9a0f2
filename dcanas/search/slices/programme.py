"""The best slices of a frame within the limits: within a frame, costs are sums over the blocks."""

from __future__ import annotations

import numpy as np

from dcanas.costs import CostModel, LinearCost
from dcanas.costs.feasibility import select_costs
from dcanas.costs.milp import best_within
from dcanas.search.slices.frames import Frame
from dcanas.search.task import Target
from dcanas.spaces import Architecture

Scores = list[np.ndarray]  # per slot one number per option, larger is better; -inf for what the frame excludes
CHECKED = 10  # members on which a sum over blocks is compared with the cost itself
EXACT = 1e-6
ROUNDS = 20  # integer programmes in which an answer may break a limit that is no sum


class FrameLimits:
    """The limits of a device as sums over the blocks of a frame.

    Widths are those of the pretrained network and the images have one size, so a block's cost depends on its own
    expansion and kernel alone. A cost of which that does not hold (peak memory) is verified instead, and options that
    break its limit even in the smallest network are excluded.
    """

    def __init__(self, frame: Frame, target: Target):
        self.frame, self.target = frame, target
        self.limits: list[tuple[LinearCost, float]] = []
        self.excluded: set[tuple[int, int]] = set()
        for cost in select_costs(target.costs, target.budget):
            linear = self._sum_of(cost)
            if linear is not None:
                self.limits.append((linear, target.budget[cost.name]))
            else:
                self.excluded |= {(slot, option) for slot, option in self._options()
                                  if cost.upper(self.changed(frame.ends[1], slot, option)) > target.budget[cost.name]}

    def best(self, scores: Scores, count: int = 1) -> list[Architecture]:
        """Return up to `count` slices within all limits, by falling sum of scores."""
        rows = [row.copy() for row in scores]
        for slot, option in self.excluded:
            rows[slot][option] = -np.inf
        found: list[Architecture] = []
        asked: list[Architecture] = []
        while len(found) < count and len(asked) < ROUNDS + count:
            arch = best_within(self.frame.space, rows, self.limits, asked)
            if arch is None or any(rows[slot][option] == -np.inf for slot, option in enumerate(arch.choices)):
                break
            asked.append(arch)
            if self.target.allows(self.frame.space.prune(arch)):
                found.append(self.frame.space.prune(arch))
        return found

    def changed(self, arch: Architecture, slot: int, option: int) -> Architecture:
        """Return a slice with another option in one slot."""
        return Architecture(arch.space, (*arch.choices[:slot], option, *arch.choices[slot + 1:]))

    def _options(self) -> list[tuple[int, int]]:
        return [(slot, option) for slot, allowed in enumerate(self.frame.space.allowed) if len(allowed) > 1
                for option in allowed]

    def _sum_of(self, cost: CostModel) -> LinearCost | None:
        """Return the upper bounds of a cost as a sum over slots; None if they are none."""
        space, largest = self.frame.space, self.frame.largest
        base = cost.upper(largest)
        table = [np.zeros(len(slot.options)) for slot in space.slots]
        for slot, option in self._options():
            table[slot][option] = cost.upper(self.changed(largest, slot, option)) - base
        linear = LinearCost(base, tuple(map(tuple, table)), cost.name, cost.unit, "predicted", cost.domain)
        rng = np.random.default_rng(0)
        drawn = [space.sample(rng) for _ in range(CHECKED)]
        exact = all(abs(linear.value(arch) - cost.upper(arch)) <= EXACT * abs(base) for arch in drawn)
        return linear if exact else None


def no_scores(frame: Frame) -> Scores:
    """Return scores of 0 for every option of a frame, -inf for all others."""
    rows = [np.full(len(slot.options), -np.inf) for slot in frame.space.slots]
    for row, allowed in zip(rows, frame.space.allowed, strict=True):
        row[list(allowed)] = 0.0
    return rows
