"""The attack of adversarial training, as `training.train` takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from dcanas.robustness.fast_at import fast_at, overfitting


@dataclass(frozen=True)
class FastAT:
    """Single-step adversarial training within L-inf eps, and its monitor (see `dcanas.robustness.fast_at`).

    Attributes:
        eps: in [0, 1] units.
        noise: relative to eps.
    """

    eps: float
    noise: float = 2.0

    def batch(self, network: nn.Module, images: Tensor, labels: Tensor, steps: int, seed: int, start: int) -> Tensor:
        """Return the images to train on; see `dcanas.training.adversarial.TrainingAttack`."""
        return fast_at(network, images, labels, self.eps, noise=self.noise, steps=steps, seed=seed,
                       indices=np.arange(start, start + len(images)))

    def overfits(self, network: nn.Module, images: Tensor, labels: Tensor, seed: int) -> bool:
        """Return whether the network withstands single-step attacks only."""
        return overfitting(network, images, labels, self.eps, seed=seed)
