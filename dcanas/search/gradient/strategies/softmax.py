"""Continuous relaxation (DARTS)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from dcanas.search.gradient.strategies.strategy import Mixture, Strategy


class Softmax(Strategy):
    """Mix all options in proportion to exp(alpha) (DARTS; Liu et al., ICLR 2019, Eq. 2)."""

    def mix(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        return Mixture(self.probabilities(alphas))
