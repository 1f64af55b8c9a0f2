"""1x1 convolutions that narrow and widen the channels around the candidate operations."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Pointwise(nn.Module):
    """A 1x1 convolution without bias, computed as one matrix product per image.

    With few channels this is several times as fast as `Conv2d` on a CPU. The weight is initialised as a random
    orthogonal map, scaled to keep the variance per channel.

    Shape: (N, in_channels, H, W) -> (N, out_channels, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels))
        nn.init.orthogonal_(self.weight, gain=max(1.0, out_channels / in_channels) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(self.weight.expand(len(x), -1, -1), x.flatten(2)).view(len(x), -1, *x.shape[2:])
