"""Channels-last weights, which CPUs and GPUs convolve faster, without the one kernel that is wrong there."""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
NARROW = 8  # input channels


class _PixelsFirst(nn.Conv2d):
    """A 1x1 convolution with a stride that picks its pixels before it multiplies; an export keeps it whole."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.compiler.is_exporting():
            return super().forward(x)
        return F.conv2d(x[:, :, ::self.stride[0], ::self.stride[1]], self.weight, self.bias, groups=self.groups)


def to_channels_last(network: Network) -> Network:
    """Lay the weights of `network` out channels-last, in place, and return it; what it computes stays the same.

    For fewer than 8 input channels oneDNN's gradient of a strided 1x1 convolution's weights writes beyond its memory
    in this layout on CPUs without AVX-512 (torch 2.13; neither the forward pass nor the other layout does): such
    convolutions pick their pixels first and have no stride left.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d and module.kernel_size == (1, 1) and max(module.stride) > 1 \
                and module.padding in ((0, 0), 0) and module.in_channels < NARROW:
            module.__class__ = _PixelsFirst
    return network.to(memory_format=torch.channels_last)
