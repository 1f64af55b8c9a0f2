"""Residual networks for small images (He et al., CVPR 2016, section 4.2). Needs torch only.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn(in_channels: int, out_channels: int, stride: int = 1) -> list[nn.Module]:
    """Return a 3x3 convolution without bias and its batch norm."""
    return [nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False), nn.BatchNorm2d(out_channels)]


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is led: with stride 2 every second pixel, new channels being zero.

    Shape: (N, in, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(*conv_bn(in_channels, out_channels, stride), nn.ReLU(),
                                  *conv_bn(out_channels, out_channels))
        self.relu = nn.ReLU()
        self.stride, self.more = stride, out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        body = self.body(x)
        if self.stride > 1:
            x = x[:, :, ::self.stride, ::self.stride]
        if self.more:
            x = F.pad(x, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        out: Tensor = self.relu(x + body)
        return out


class Network(nn.Module):
    """Stem 3x3, three stages of `depths` blocks at width, 2 * width and 4 * width channels, global average, linear.

    Shape: (N, in_channels, H, W) -> (N, num_classes).
    """

    def __init__(self, width: int, depths: Sequence[int], num_classes: int = 10, in_channels: int = 3):
        super().__init__()
        blocks: list[nn.Module] = [nn.Sequential(*conv_bn(in_channels, width), nn.ReLU())]
        channels = width
        for stage, depth in enumerate(depths):
            for number in range(depth):
                out_channels = width * 2**stage
                blocks.append(Block(channels, out_channels, 2 if stage and not number else 1))
                channels = out_channels
        blocks.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)))
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
