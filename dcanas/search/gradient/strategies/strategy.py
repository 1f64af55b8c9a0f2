"""What every mixing strategy offers; a new one is one small class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from dcanas.spaces import Space


@dataclass(frozen=True)
class Mixture:
    """What the supernet computes in one forward pass.

    Attributes:
        weights: of every option. Shape: per slot (options,).
        chosen: per slot the only option that runs, where the weights are one-hot; None: all run.
        log_probability: of having drawn `chosen`, where alphas learn from that alone (score function); None: the
            gradient reaches them through `weights`.
    """

    weights: list[Tensor]
    chosen: tuple[int, ...] | None = None
    log_probability: Tensor | None = None

    def detached(self) -> Mixture:
        return Mixture([row.detach() for row in self.weights], self.chosen)


class StrategySettings(Protocol):
    """The settings of a search by gradient that strategies read."""

    @property
    def temperature(self) -> float:
        """Temperature of relaxed samples at the start of the search."""

    @property
    def temperature_min(self) -> float:
        """Temperature at its end."""

    @property
    def dirichlet_kl(self) -> float:
        """Weight of the divergence from the flat Dirichlet distribution."""


class Strategy(ABC):
    """How alphas become mixing weights, and what they then stand for.

    Draws come from torch's global generator, which the loop seeds by step: a run that continues draws the same.

    Attributes:
        differentiable: whether the gradient of the loss reaches the alphas through the mixing weights.
        sampled: whether only one drawn option per slot is run.
    """

    differentiable = True
    sampled = False

    def __init__(self, space: Space, settings: StrategySettings):
        """Raise `UserError` where the strategy cannot search this space."""
        self.space, self.settings = space, settings

    @abstractmethod
    def mix(self, alphas: Sequence[Tensor], done: float) -> Mixture:
        """Return what a step of the alphas runs; done: share of the search behind us.

        Shape: per slot (options,).
        """

    def mix_for_weights(self, alphas: Sequence[Tensor], done: float) -> Mixture:
        """Return what a step of the weights runs; no gradient passes."""
        return self.mix(alphas, done).detached()

    def probabilities(self, alphas: Sequence[Tensor]) -> list[Tensor]:
        """Return what costs are expected under and scores are the logarithm of. Shape: per slot (options,)."""
        return [torch.softmax(row, dim=0) for row in alphas]

    def regulariser(self, alphas: Sequence[Tensor]) -> Tensor | None:
        """Return what the strategy itself adds to the alphas' loss, if anything."""
        return None
