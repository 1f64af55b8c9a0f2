"""The perturbation sets of attacks: all images within eps of the original, and within [0, 1]."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from dcanas.basics.errors import unknown
from dcanas.robustness.draws import Draws

_TINY = 1e-12


class Ball(ABC):
    """The set of perturbations of bounded norm.

    Shape of images, gradients and changes: (N, C, H, W); sizes and eps are in [0, 1] units.
    """

    name: str

    @abstractmethod
    def direction(self, gradient: Tensor) -> Tensor:
        """Return the step of norm 1 along which a linear function with this gradient increases most."""

    @abstractmethod
    def size(self, delta: Tensor) -> Tensor:
        """Return the norm of each image's change (N,)."""

    @abstractmethod
    def _shrink(self, delta: Tensor, eps: float) -> Tensor:
        """Return the nearest change of at most this norm."""

    @abstractmethod
    def random(self, draws: Draws, shape: torch.Size) -> np.ndarray:
        """Return a random change of norm at most 1 for each image."""

    @abstractmethod
    def full(self, draws: Draws, shape: torch.Size, *purpose: object) -> np.ndarray:
        """Return a random change of norm 1 for each image (APGD's first point)."""

    def project(self, images: Tensor, origin: Tensor, eps: float) -> Tensor:
        """Return images within eps of `origin` and within [0, 1].

        Clipping comes last and moves every pixel towards the origin, so that it cannot leave the ball.
        """
        return (origin + self._shrink(images - origin, eps)).clamp_(0, 1)

    def around(self, origin: Tensor, change: np.ndarray, eps: float) -> Tensor:
        """Return `origin` plus eps times `change`, projected onto the ball and [0, 1]."""
        delta = torch.from_numpy(change).to(origin) * eps
        return self.project(origin + delta, origin, eps)


class Linf(Ball):
    """The largest change of any pixel."""

    name = "linf"

    def direction(self, gradient: Tensor) -> Tensor:
        return gradient.sign()

    def size(self, delta: Tensor) -> Tensor:
        return delta.abs().flatten(1).amax(1)

    def _shrink(self, delta: Tensor, eps: float) -> Tensor:
        return delta.clamp(-eps, eps)

    def random(self, draws: Draws, shape: torch.Size) -> np.ndarray:
        return (2 * draws.uniform(shape[1:].numel(), "linf random") - 1).reshape(shape)

    def full(self, draws: Draws, shape: torch.Size, *purpose: object) -> np.ndarray:
        change = 2 * draws.uniform(shape[1:].numel(), "linf full", *purpose) - 1
        return (change / np.abs(change).max(1, keepdims=True)).reshape(shape)


class L2(Ball):
    """The Euclidean length of the change of all pixels together."""

    name = "l2"

    def direction(self, gradient: Tensor) -> Tensor:
        # scaled by its largest entry first: squares of tiny gradients would vanish in float32
        gradient = gradient / gradient.abs().flatten(1).amax(1).clamp_min(1e-38)[:, None, None, None]
        return gradient / self.size(gradient).clamp_min(_TINY)[:, None, None, None]

    def size(self, delta: Tensor) -> Tensor:
        return delta.flatten(1).norm(dim=1)

    def _shrink(self, delta: Tensor, eps: float) -> Tensor:
        factor = (eps / self.size(delta).clamp_min(_TINY)).clamp_max(1)
        return delta * factor[:, None, None, None]

    def random(self, draws: Draws, shape: torch.Size) -> np.ndarray:
        dimensions = shape[1:].numel()  # uniform in the ball: radius u^(1/d) along a random direction
        radius = draws.uniform(1, "l2 radius") ** (1 / dimensions)
        return (radius * self._unit(draws, dimensions, "l2 random")).reshape(shape)

    def full(self, draws: Draws, shape: torch.Size, *purpose: object) -> np.ndarray:
        return self._unit(draws, shape[1:].numel(), "l2 full", *purpose).reshape(shape)

    @staticmethod
    def _unit(draws: Draws, dimensions: int, *purpose: object) -> np.ndarray:
        change = draws.normal(dimensions, *purpose)
        return change / np.linalg.norm(change, axis=1, keepdims=True)


BALLS: dict[str, Ball] = {ball.name: ball for ball in (Linf(), L2())}


def ball_of(norm: str) -> Ball:
    """Return the ball of a norm, "linf" or "l2"; raises `UserError` for others."""
    if norm not in BALLS:
        raise unknown("norm", norm, BALLS)
    return BALLS[norm]
