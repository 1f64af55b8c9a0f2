"""A distribution over the codes of a space that can be learnt: a softmax per slot, under the condition of the groups.

If exactly k slots of a group must be used, independent draws are conditioned on that: the probability of a code is
the product of its options' over the probability Z that k slots are used, a sum over slots (dynamic programming).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from dcanas.spaces import Architecture, Group, Space

FIRST_LOGITS = 1e-3  # their spread


class Policy:
    """Logits per slot, one per option that a search of the space may choose."""

    def __init__(self, space: Space, rng: Generator):
        self.space = space
        self.options = space.reachable()
        self.logits = [torch.tensor(FIRST_LOGITS * rng.normal(size=len(o)), requires_grad=True) for o in self.options]

    def shares(self) -> list[np.ndarray]:
        """Return the options' probabilities per slot, zero for those that a search may not choose."""
        found = []
        for slot, options, logits in zip(self.space.slots, self.options, self.logits, strict=True):
            row = np.zeros(len(slot.options))
            row[list(options)] = torch.softmax(logits.detach(), 0).numpy()
            found.append(row)
        return found

    def draw(self, shares: Sequence[np.ndarray], rng: Generator) -> Architecture:
        """Draw a code that keeps the groups; it may be dead or outside a budget."""
        shares = list(shares)
        for group in self.space.groups:
            used = [shares[i][self._used(group, i)].sum() for i in group.slots]
            left = group.k
            for position, i in enumerate(group.slots):
                rest = _ways(used[position + 1:], left)
                uses = used[position] * rest[left - 1] if left else 0.0
                taken = bool(rng.random() * (uses + (1 - used[position]) * rest[left]) < uses)
                left -= taken
                kept = np.where(self._used(group, i) == taken, shares[i], 0)
                shares[i] = kept / kept.sum()
        return self.space.architecture(int(rng.choice(len(p), p=p)) for p in shares)

    def log_likelihood(self, arch: Architecture) -> Tensor:
        """Return the log-probability of a code, differentiable in the logits."""
        logs = [torch.log_softmax(row, 0) for row in self.logits]
        total = sum((row[options.index(c)] for row, options, c in zip(logs, self.options, arch.choices, strict=True)),
                    start=torch.zeros((), dtype=torch.float64))
        for group in self.space.groups:
            used = [logs[i].exp()[torch.from_numpy(self._used(group, i)[list(self.options[i])])].sum()
                    for i in group.slots]
            total = total - torch.log(_ways(used, group.k)[group.k])
        return total

    def _used(self, group: Group, slot: int) -> np.ndarray:
        return np.array([self.space.uses(group, slot, o) for o in range(len(self.space.slots[slot].options))])


def _ways(used: Sequence[Any], most: int) -> list[Any]:
    """Return the probabilities that 0, 1, ..., `most` of independent slots are used."""
    ways = [1.0, *([0.0] * most)]
    for p in used:
        ways = [a * (1 - p) + b * p for a, b in zip(ways, [0.0, *ways[:-1]], strict=True)]
    return ways
