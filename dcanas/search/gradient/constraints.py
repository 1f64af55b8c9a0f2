"""Several limits at once: how much each violation weighs in the alphas' loss.

DCA-NAS (Dutta et al., 2023) trains one multiplier on `cost - limit`. Here every limit has its own, on the normalised
violation cost / limit - 1, so that bytes and milliseconds have the same scale and no weight has to be tuned.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dcanas.costs import Budget, CostModel


class Dual:
    """Every multiplier follows its violation and is never negative (dual ascent).

    Args:
        costs: the model of every limit.
        budget: the limits.
        learning_rate: of the multipliers.
        weight: not used here; the constant multiplier of `fixed`.

    Attributes:
        multipliers: one per limit. Shape: (limits,).
    """

    def __init__(self, costs: Sequence[CostModel], budget: Budget, learning_rate: float, weight: float = 1.0):
        self.costs, self.budget, self.learning_rate = list(costs), budget, learning_rate
        self.multipliers = torch.zeros(len(self.costs), dtype=torch.float64)

    def violations(self, probabilities: Sequence[Tensor]) -> Tensor:
        """Return expected cost / limit - 1 per limit; differentiable. Shape: per slot (options,) -> (limits,)."""
        exact = [p.to("cpu", torch.float64) for p in probabilities]  # costs span ten powers of ten
        if not self.costs:
            return torch.zeros(0, dtype=torch.float64)
        return torch.stack([cost.expected(exact) / self.budget[cost.name] - 1 for cost in self.costs])

    def penalty(self, violations: Tensor) -> Tensor:
        """Return the Lagrangian's second term, sum of multiplier x violation."""
        return (self.multipliers * violations).sum()

    def ascend(self, violations: Tensor) -> None:
        """Move every multiplier along its violation; that of a limit kept with a margin falls to 0."""
        self.multipliers = (self.multipliers + self.learning_rate * violations.detach()).clamp(min=0)


class Fixed(Dual):
    """Every multiplier is `weight`, whether its limit is kept or not: the penalty that others tune by hand."""

    def __init__(self, costs: Sequence[CostModel], budget: Budget, learning_rate: float, weight: float = 1.0):
        super().__init__(costs, budget, learning_rate, weight)
        self.multipliers = torch.full_like(self.multipliers, weight)

    def ascend(self, violations: Tensor) -> None:
        pass


class LookupGraph(Dual):
    """The multipliers of `dual` under limits that a look-up graph of earlier searches has tightened (DCA-NAS)."""
