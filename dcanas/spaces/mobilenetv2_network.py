"""Networks of inverted residuals (MobileNetV2; Sandler et al., CVPR 2018): stem, seven stages, head. Needs torch only.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

DROPOUT = 0.2  # before the last layer, while training


class ConvBN(nn.Sequential):
    """Convolution without bias, batch norm and, where `activation`, ReLU6."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1,
                 activation: bool = True):
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out_channels)]
        super().__init__(*layers, *([nn.ReLU6()] if activation else []))


class InvertedResidual(nn.Module):
    """Widen by `expansion`, filter each channel, narrow without activation; added to the input where shapes agree.

    An expansion of 1 has no widening convolution. Shape: (N, in, H, W) -> (N, out, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, out_channels: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        hidden = expansion * in_channels
        self.expand = ConvBN(in_channels, hidden, 1) if expansion > 1 else None
        self.depthwise = ConvBN(hidden, hidden, kernel, stride, groups=hidden)
        self.project = ConvBN(hidden, out_channels, 1, activation=False)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        hidden = x if self.expand is None else self.expand(x)
        out = self.project(self.depthwise(hidden))
        return x + out if self.residual else out


class Head(nn.Module):
    """Convolution 1x1, global average, dropout while training, linear. Shape: (N, C, H, W) -> (N, num_classes)."""

    def __init__(self, in_channels: int, width: int, num_classes: int):
        super().__init__()
        self.conv = ConvBN(in_channels, width, 1)
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.dropout(self.conv(x).mean((2, 3))))


class Network(nn.Module):
    """Stem 3x3, stages of inverted residuals, head.

    stages: per stage (expansion, width, depth, stride of its first block, kernel).
    side: the shorter side in pixels that images are scaled to, bilinearly and with their proportions; nothing is done
        where it is the input's own.
    Shape: (N, in_channels, H, W) -> (N, num_classes).
    """

    def __init__(self, stem: int, stages: Sequence[tuple[int, int, int, int, int]], head: int, side: int,
                 stem_stride: int = 2, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.side = side
        self.stem = ConvBN(in_channels, stem, 3, stem_stride)
        self.stages = nn.ModuleList()
        channels = stem
        for expansion, width, depth, stride, kernel in stages:
            blocks = []
            for i in range(depth):
                blocks.append(InvertedResidual(channels, width, expansion, kernel, 1 if i else stride))
                channels = width
            self.stages.append(nn.Sequential(*blocks))
        self.head = Head(channels, head, num_classes)
        self._initialise()

    @property

    def blocks(self) -> list[nn.Module]:
        """Stem, inverted residuals and head, in order."""
        return [self.stem, *(block for stage in self.stages for block in stage.children()), self.head]

    def forward(self, x: Tensor) -> Tensor:
        x = resize(x, self.side)
        for block in self.blocks:
            x = block(x)
        return x

    def _initialise(self) -> None:
        """As torchvision: normal, scaled by what leaves a convolution (He et al., 2015); the linear layer's by 0.01."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)


def resize(x: Tensor, side: int) -> Tensor:
    """Scale images so that their shorter side has `side` pixels and the other, rounded, its share."""
    height, width = x.shape[2:]
    short = min(height, width)
    if short == side:
        return x
    size = ((2 * height * side + short) // (2 * short), (2 * width * side + short) // (2 * short))
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=False)
