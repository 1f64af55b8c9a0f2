"""Networks of depthwise separable convolutions: MobileNetV1 (Howard et al., 2017) and DS-CNN (Zhang et al., 2017).
Needs torch only.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


def conv_bn_relu(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a convolution without bias, its batch norm and ReLU."""
    return [nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out_channels), nn.ReLU()]


class Network(nn.Module):
    """Stem 3x3 of stride 2, separable blocks, global average, linear.

    blocks: per block its width and stride: a 3x3 convolution of each channel by itself, then a 1x1 convolution.
    Shape: (N, in_channels, H, W) -> (N, num_classes).
    """

    def __init__(self, stem: int, blocks: Sequence[tuple[int, int]], num_classes: int = 10, in_channels: int = 3):
        super().__init__()
        parts: list[nn.Module] = [nn.Sequential(*conv_bn_relu(in_channels, stem, 3, 2))]
        channels = stem
        for width, stride in blocks:
            parts.append(nn.Sequential(*conv_bn_relu(channels, channels, 3, stride, channels),
                                       *conv_bn_relu(channels, width, 1)))
            channels = width
        parts.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)))
        self.blocks = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
