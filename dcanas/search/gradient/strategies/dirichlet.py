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
        return Mixture([distributions.Dirichlet(concentration(row)).rsample() for row in alphas])

    def probabilities(self, alphas: Sequence[Tensor]) -> list[Tensor]:
        """Return the mean of the draws."""
        return [concentration(row) / concentration(row).sum() for row in alphas]

    def regulariser(self, alphas: Sequence[Tensor]) -> Tensor | None:
        if not self.settings.dirichlet_kl:
            return None
        penalty: Tensor = self.settings.dirichlet_kl * sum(
            distributions.kl_divergence(distributions.Dirichlet(concentration(row)),
                                        distributions.Dirichlet(torch.ones_like(row))) for row in alphas)
        return penalty


def concentration(alpha: Tensor) -> Tensor:
    """Return the concentration of a slot's Dirichlet distribution. Shape: (options,) -> the same."""
    return F.elu(alpha) + 1
