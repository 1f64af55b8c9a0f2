"""What is delivered: a network on images in [0, 1], its normalisation inside.

The two classes need torch only, for their source is copied into the bundle.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """Subtract the mean and divide by the standard deviation of each channel, both of images in [0, 1].

    Shape: (N, C, H, W) -> (N, C, H, W).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class Classifier(nn.Module):
    """Normalisation, then the network. Shape: float32 (N, C, H, W) in [0, 1] -> logits (N, classes)."""

    def __init__(self, normalise: nn.Module, network: nn.Module):
        super().__init__()
        self.normalise = normalise
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(self.normalise(x))
