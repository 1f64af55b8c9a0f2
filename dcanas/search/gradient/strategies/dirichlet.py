"""Mixing weights drawn from a distribution over the simplex whose parameters are learnt (DrNAS)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, distributions

from dcanas.search.gradient.strategies.strategy import Mixture, Strategy


class Dirichlet(Strategy):
    """Mix all options by a draw from Dirichlet(elu(alpha) + 1) (DrNAS; Chen et al., ICLR 2021, Eq. 3-5).

    Pathwise gradients pass through the draw. `search.dirichlet_kl` weighs the divergence from the flat Dirichlet(1),
    which keeps the draws from collapsing (section 3.2). The paper's progressive narrowing of the space is not done.
    """

    def mix(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        weights = [distributions.Dirichlet(concentration(row)).rsample() for row in alphas]
        if not self.settings.dirichlet_kl:
            return Mixture(weights)
        flat = [distributions.Dirichlet(torch.ones_like(row)) for row in alphas]
        divergences = [distributions.kl_divergence(distributions.Dirichlet(concentration(row)), goal)
                       for row, goal in zip(alphas, flat, strict=True)]
        return Mixture(weights, penalty=self.settings.dirichlet_kl * torch.as_tensor(sum(divergences)))

    def probabilities(self, alphas: Sequence[Tensor]) -> list[Tensor]:
        """Return the mean of the draws."""
        return [concentration(row) / concentration(row).sum() for row in alphas]


def concentration(alpha: Tensor) -> Tensor:
    """Return the concentration of a slot's Dirichlet distribution. Shape: (options,) -> the same."""
    return F.elu(alpha) + 1
