"""Networks of the FBNet space (Wu et al., CVPR 2019) as HW-NAS-Bench measured them. Needs torch only.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ConvBN(nn.Sequential):
    """Convolution without bias, batch norm and, where `activation`, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1,
                 activation: bool = True, affine: bool = True):
        super().__init__(nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(out_channels, affine=affine), *([nn.ReLU()] if activation else []))


class Shuffle(nn.Module):
    """Deals the channels of each group out to all groups (Zhang et al., ShuffleNet, CVPR 2018). Keeps the shape."""

    def __init__(self, groups: int):
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, 1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


class Block(nn.Module):
    """Inverted residual: 1x1 to `expansion` times the channels (shuffled where grouped), depthwise, 1x1 without ReLU.

    Added to its input where shapes agree. Shape: (N, in, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, kernel: int, expansion: int, groups: int,
                 affine: bool = True):
        super().__init__()
        hidden = expansion * in_channels
        self.body = nn.Sequential(
            ConvBN(in_channels, hidden, 1, groups=groups, affine=affine),
            *([Shuffle(groups)] if groups > 1 else []),
            ConvBN(hidden, hidden, kernel, stride, groups=hidden, affine=affine),
            ConvBN(hidden, out_channels, 1, groups=groups, activation=False, affine=affine))
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return x + out if self.residual else out


def operation(name: str, in_channels: int, out_channels: int, stride: int, affine: bool = True) -> nn.Module:
    """Return a block by its name: `k<kernel>_e<expansion>[_g<groups>]`, or `skip`.

    `skip` is the identity where shapes agree, else a strided 1x1 convolution with batch norm and ReLU.
    """
    if name == "skip":
        agree = stride == 1 and in_channels == out_channels
        return nn.Identity() if agree else ConvBN(in_channels, out_channels, 1, stride, affine=affine)
    numbers = {part[0]: int(part[1:]) for part in name.split("_")}
    return Block(in_channels, out_channels, stride, numbers["k"], numbers["e"], numbers.get("g", 1), affine)


class Network(nn.Module):
    """Stem 3x3 to as many channels as the first layer takes, the layers, 1x1 convolution, global average, linear layer.

    widths: channels of the stem, of the last layer and of the convolution behind it.
    Shape: (N, in_channels, H, W) -> (N, num_classes).
    """

    def __init__(self, layers: Sequence[nn.Module], widths: tuple[int, int, int], stem_stride: int,
                 num_classes: int = 10, in_channels: int = 3):
        super().__init__()
        first, last, head = widths
        self.blocks = nn.ModuleList([
            ConvBN(in_channels, first, 3, stem_stride), *layers,
            nn.Sequential(ConvBN(last, head, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(head, num_classes))])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
