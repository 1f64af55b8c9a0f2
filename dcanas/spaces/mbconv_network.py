"""Networks of inverted residuals (MobileNetV2, MNASNet, EfficientNet-Lite): stem, stages, head. Needs torch only.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

DROPOUT = 0.2  # before the last layer, while training
ACTIVATIONS = {"relu6": nn.ReLU6, "relu": nn.ReLU}


class Style(NamedTuple):
    """What all layers share and trained weights rely on.

    activation: "relu6" or "relu". epsilon: of batch norms.
    padding: "torch", (kernel - 1) / 2 zeros on every side; or "same", as TensorFlow pads (see `SameConv2d`).
    """

    activation: str = "relu6"
    padding: str = "torch"
    epsilon: float = 1e-5


class SameConv2d(nn.Conv2d):
    """Convolution with just the zeros that ceil(side / stride) outputs need; an odd one is added below and right.

    At stride 2 and an even side this shifts the filter by one pixel against `padding=kernel // 2`.
    Shape: (N, in, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)).
    """

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for side in (x.shape[3], x.shape[2]):  # F.pad: left, right, top, bottom
            stride, kernel = self.stride[0], self.kernel_size[0]
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


class ConvBN(nn.Sequential):
    """Convolution without bias, batch norm and, where `activation`, the style's activation."""

    def __init__(self, style: Style, in_channels: int, out_channels: int, kernel: int, stride: int = 1,
                 groups: int = 1, activation: bool = True):
        if style.padding == "same" and stride > 1:
            convolution: nn.Conv2d = SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)
        else:
            convolution = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        layers = [convolution, nn.BatchNorm2d(out_channels, style.epsilon)]
        super().__init__(*layers, *([ACTIVATIONS[style.activation]()] if activation else []))


class InvertedResidual(nn.Module):
    """Widen by `expansion`, filter each channel, narrow without activation; added to the input where shapes agree.

    An expansion of 1 has no widening convolution. Shape: (N, in, H, W) -> (N, out, H / stride, W / stride).
    """

    def __init__(self, style: Style, in_channels: int, out_channels: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        hidden = expansion * in_channels
        self.expand = ConvBN(style, in_channels, hidden, 1) if expansion > 1 else None
        self.depthwise = ConvBN(style, hidden, hidden, kernel, stride, groups=hidden)
        self.project = ConvBN(style, hidden, out_channels, 1, activation=False)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        hidden = x if self.expand is None else self.expand(x)
        out: Tensor = self.project(self.depthwise(hidden))
        return x + out if self.residual else out


class Head(nn.Module):
    """Convolution 1x1 (none where `width` is 0), global average, dropout while training, linear.

    Shape: (N, C, H, W) -> (N, num_classes).
    """

    def __init__(self, style: Style, in_channels: int, width: int, num_classes: int):
        super().__init__()
        self.conv = ConvBN(style, in_channels, width, 1) if width else None
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(width or in_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = x if self.conv is None else self.conv(x)
        logits: Tensor = self.linear(self.dropout(features.mean((2, 3))))
        return logits


class Network(nn.Module):
    """Stem 3x3, stages of inverted residuals, head.

    stages: per stage its width, the stride of its first block, and (expansion, kernel) of every block.
    head: width of the last convolution; 0: none.
    side: the shorter side in pixels of its images; while training together with networks of other sides, larger or
        smaller ones are scaled to it, bilinearly and with their proportions.
    activation, padding, epsilon: see `Style`.
    Shape: (N, in_channels, H, W) -> (N, num_classes).

    `origins` says what a block is called in a network with further blocks before it, where trained weights come from
    such a one.
    """

    def __init__(self, stem: int, stages: Sequence[tuple[int, int, Sequence[tuple[int, int]]]], head: int, side: int,
                 stem_stride: int = 2, num_classes: int = 1000, in_channels: int = 3, activation: str = "relu6",
                 padding: str = "torch", epsilon: float = 1e-5):
        super().__init__()
        style = Style(activation, padding, epsilon)
        self.side = side
        self.origins: dict[str, str] = {}
        self.stem = ConvBN(style, in_channels, stem, 3, stem_stride)
        self.stages = nn.ModuleList()
        channels = stem
        for width, stride, kinds in stages:
            blocks = []
            for i, (expansion, kernel) in enumerate(kinds):
                blocks.append(InvertedResidual(style, channels, width, expansion, kernel, 1 if i else stride))
                channels = width
            self.stages.append(nn.Sequential(*blocks))
        self.head = Head(style, channels, head, num_classes)
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
