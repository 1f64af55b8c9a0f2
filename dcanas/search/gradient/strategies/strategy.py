"""The interface of mixing strategies; a new strategy is one small class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from dcanas.spaces import Space


@dataclass(frozen=True)
class Mixture:
    """What the supernet computes in one forward pass.

    Attributes:
        weights: the mixing weights, per slot (options,).
        chosen: per slot the only option that runs, if the weights are one-hot; None: all options run.
        log_probability: of having drawn `chosen`, if the alphas learn from it alone (score function); None: the
            gradient reaches the alphas through `weights`.
        penalty: what the strategy itself adds to the loss of the alphas, or None.
    """

    weights: list[Tensor]
    chosen: tuple[int, ...] | None = None
    log_probability: Tensor | None = None
    penalty: Tensor | None = None


@dataclass(eq=False)
class Strategy(ABC):
    """How alphas become mixing weights, and which probabilities of the options they stand for.

    Draws come from torch's global generator, which the search seeds at every step: a resumed search draws the same.

    Args:
        space: the space that is searched.
        settings: of the search by gradient (`SearchSettings`).

    Attributes:
        differentiable: whether the gradient of the loss reaches the alphas through the mixing weights.

    Raises:
        UserError: the strategy cannot search this space.
    """

    space: Space
    settings: Any

    differentiable: ClassVar[bool] = True

    @abstractmethod
    def mix(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        """Return the mixture of a step of the alphas.

        Args:
            alphas: per slot (options,).
            progress: of the search, from 0 to 1.
        """

    def mix_for_weights(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        """Return the mixture of a step of the weights; its gradient is not used. See `mix`."""
        return self.mix(alphas, progress)

    def probabilities(self, alphas: Sequence[Tensor]) -> list[Tensor]:
        """Return the probabilities of the options: costs are expected under them, scores are their logarithms.

        Shape: per slot (options,) -> the same.
        """
        return [torch.softmax(row, dim=0) for row in alphas]
