"""Peak memory of chains, in which every slot has its own place: the maximum over the slots, and its exact expectation.

In a chain of layers (FBNet) the peak is a maximum over layers, each of which depends on its own slot alone. Of
independent slots P(peak <= t) is then a product, one factor per slot, and the expected peak a sum over the few values
it can have: smooth in the probabilities, exact between one-hot codes as well as at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from dcanas.costs.linear import constant_like
from dcanas.costs.model import Domain
from dcanas.costs.plan_cost import PlanCost
from dcanas.spaces import Architecture, Space

CHECKED = 100  # members on which the maximum over slots is compared with the plan


@dataclass(frozen=True)
class MaximumCost(PlanCost):
    """A cost that is the maximum over slots of `parts[slot][option]`."""

    parts: tuple[tuple[float, ...], ...] = ()

    def expected(self, probabilities: Sequence[Any]) -> Any:
        values = self._values
        reached: Any = 1.0  # P(peak <= value)
        for p, row in zip(probabilities, self.parts, strict=True):
            below = (np.asarray(row) <= values[:, None]).astype(float)
            reached = reached * (constant_like(p, below.tolist()) @ p)
        missed = reached[:-1]  # E = largest value - sum of the steps that the peak stays below
        return self.base + float(values[-1]) - missed @ constant_like(missed, np.diff(values).tolist())

    @cached_property
    def _values(self) -> np.ndarray:
        return np.unique([value for row in self.parts for value in row])


@lru_cache(maxsize=8)
def peak_of_slots(space: Space, domain: Domain, dtype: str) -> PlanCost:
    """Return `peak_bytes` of a space too large to be listed, as a `MaximumCost` if it is the maximum over slots.

    Each part is read from the plan with this option and the cheapest ones elsewhere. If the maximum over slots differs
    from the plan's own peak on one of `CHECKED` random members, a `PlanCost` is returned.
    """
    planned = PlanCost(space, domain, "peak_bytes", "B", dtype)
    if space.groups:
        return planned
    cheapest = [0] * len(space.slots)
    for _ in range(2):  # once to find what is cheap, once more with the others cheap
        parts = tuple(tuple(planned.value(Architecture(space.name, (*cheapest[:i], o, *cheapest[i + 1:])))
                            for o in range(len(slot.options))) for i, slot in enumerate(space.slots))
        cheapest = [int(np.argmin(row)) for row in parts]
    found = MaximumCost(space, domain, "peak_bytes", "B", dtype, parts=parts)
    rng = np.random.default_rng(0)
    for _ in range(CHECKED):
        arch = space.sample(rng)
        if planned.value(arch) != max(row[c] for row, c in zip(parts, arch.choices, strict=True)):
            return planned
    return found
