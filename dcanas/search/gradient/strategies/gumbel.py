"""Gumbel-softmax: samples of the options that are differentiable in the alphas (Jang et al., ICLR 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from dcanas.search.gradient.strategies.strategy import Mixture, Strategy


class Gumbel(Strategy):
    """Mix all options by a relaxed sample, softmax((alpha + Gumbel noise) / temperature) (SNAS, FBNet).

    Xie et al., ICLR 2019, Eq. 5; Wu et al., CVPR 2019, Eq. 6.
    """

    def mix(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        return Mixture([F.gumbel_softmax(row, self.temperature(progress), dim=0) for row in alphas])

    def temperature(self, progress: float) -> float:
        """Return the temperature, which falls linearly with the progress of the search (from 0 to 1)."""
        first, last = self.settings.temperature, self.settings.temperature_min
        return float(first + (last - first) * progress)


class Gdas(Gumbel):
    """Run one sampled option per slot; its relaxed sample passes the gradient (GDAS).

    Dong and Yang, CVPR 2019, Eq. 4-6. Straight-through: one-hot forwards, the softmax of (alpha + noise) / temperature
    backwards. What is not sampled is not computed, so alphas learn of it only through the shared normalisation.
    """

    def mix(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        rows = [F.gumbel_softmax(row, self.temperature(progress), hard=True, dim=0) for row in alphas]
        return Mixture(rows, tuple(int(row.argmax()) for row in rows))
