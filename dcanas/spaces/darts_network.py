"""Networks of the DARTS space (Liu et al., ICLR 2019; arXiv 1806.09055): stem, normal and reduction cells, head.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Nodes 0 and 1 are the outputs of the two cells before; edges in ascending order of targets, then of sources.
EDGES = tuple((source, target) for target in range(2, 6) for source in range(target))
NODES = (2, 3, 4, 5)


class ReLUConvBN(nn.Sequential):
    """ReLU, 1x1 convolution without bias, batch norm (`affine`: with learned scale and shift)."""

    def __init__(self, in_channels: int, out_channels: int, affine: bool = True):
        super().__init__(nn.ReLU(), nn.Conv2d(in_channels, out_channels, 1, bias=False),
                         nn.BatchNorm2d(out_channels, affine=affine))


class FactorizedReduce(nn.Module):
    """Two 1x1 convolutions of stride 2, one on the pixels from 0, one on those from 1 on, joined and normalised.

    An odd side is extended by one row of zeros for the second.
    Shape: (N, C, H, W) -> (N, C', ceil(H / 2), ceil(W / 2)).
    """

    def __init__(self, in_channels: int, out_channels: int, affine: bool = True):
        super().__init__()
        first = out_channels // 2
        self.even = nn.Conv2d(in_channels, first, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(in_channels, out_channels - first, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        height, width = x.shape[2:]
        shifted = F.pad(x, (-1, width % 2, -1, height % 2))
        out: Tensor = self.norm(torch.cat([self.even(x), self.odd(shifted)], dim=1))
        return out


def depthwise(channels: int, kernel: int, stride: int, dilation: int, affine: bool) -> list[nn.Module]:
    """Return ReLU, depthwise convolution, 1x1 convolution, batch norm."""
    return [nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, padding=dilation * (kernel // 2), dilation=dilation,
                      groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels, affine=affine)]


def operation(name: str, channels: int, stride: int, affine: bool = True) -> nn.Module:
    """Return a candidate operation. Shape: (N, channels, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride))."""
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    kind, _, size = name.rpartition("_")
    kernel = int(size[0])
    if kind == "sep_conv":
        return nn.Sequential(*depthwise(channels, kernel, stride, 1, affine),
                             *depthwise(channels, kernel, 1, 1, affine))
    if kind == "dil_conv":
        return nn.Sequential(*depthwise(channels, kernel, stride, 2, affine))
    raise ValueError(f"no operation {name!r}")


class Graph(nn.Module):
    """The nodes of a cell: each is the sum of two operations on earlier nodes; all four are joined to the output.

    operations: fourteen names in the order of `EDGES`; `none` is not built. In a reduction cell the edges from the two
        inputs have stride 2.

    Attributes:
        drop_path: probability with which, in training, an image goes without the output of an operation (never
            without a skip connection's); what is kept is scaled up (Larsson et al., ICLR 2017). Trainers set it.

    Shape: twice (N, channels, H, W) -> (N, 4 * channels, H', W').
    """

    def __init__(self, operations: Sequence[str], channels: int, reduction: bool):
        super().__init__()
        self.drop_path = 0.0
        self.edges = nn.ModuleDict({
            str(edge): operation(name, channels, 2 if reduction and EDGES[edge][0] < 2 else 1)
            for edge, name in enumerate(operations) if name != "none"})

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        nodes = [before, last]
        for node in NODES:
            total = None
            for key, edge in self.edges.items():
                source, target = EDGES[int(key)]
                if target == node:
                    value = self._dropped(edge, edge(nodes[source]))
                    total = value if total is None else total + value
            assert total is not None, "every node has two operations"
            nodes.append(total)
        return torch.cat(nodes[2:], dim=1)

    def _dropped(self, edge: nn.Module, value: Tensor) -> Tensor:
        if not self.training or not self.drop_path or isinstance(edge, nn.Identity):
            return value
        keep = 1 - self.drop_path
        return value * (torch.rand(len(value), 1, 1, 1, device=value.device) < keep).to(value.dtype) / keep


class Cell(nn.Module):
    """Brings the outputs of the two cells before to the cell's channels and size, then runs its graph.

    Shape: before (N, C0, H0, W0), last (N, C1, H, W) -> the graph's output. halve: `before` has twice the size.
    """

    def __init__(self, graph: nn.Module, before_channels: int, last_channels: int, channels: int, halve: bool,
                 affine: bool = True):
        super().__init__()
        kind = FactorizedReduce if halve else ReLUConvBN
        self.preprocess_before = kind(before_channels, channels, affine)
        self.preprocess_last = ReLUConvBN(last_channels, channels, affine)
        self.graph = graph

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        before = self.preprocess_before(before)
        out: Tensor = self.graph(before, self.preprocess_last(last))
        return out


class AuxiliaryHead(nn.Module):
    """A second classifier for training only, after the second reduction: pooling, 1x1 and 2x2 convolution, linear.

    Published for maps of 8x8 (stride 3) and 7x7 (stride 2, without the last batch norm); smaller maps are averaged to
    2x2, and of larger ones the mean is taken at the end. Shape: (N, channels, H, W) -> (N, num_classes).
    """

    def __init__(self, channels: int, num_classes: int, stride: int, last_norm: bool):
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride, count_include_pad=False)
        self.smallest = 5 + stride
        self.features = nn.Sequential(
            nn.Conv2d(channels, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False), *([nn.BatchNorm2d(768)] if last_norm else []), nn.ReLU())
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        x = self.pool(x) if min(x.shape[2:]) >= self.smallest else F.adaptive_avg_pool2d(x, 2)
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits


class Network(nn.Module):
    """Stem, `cells` cells, reductions at one and two thirds of them, pooling and linear layer.

    make_graph: takes (channels, reduction) and returns the module that a cell runs on its two inputs.
    stem: "cifar" is one 3x3 convolution to 3 * channels; "imagenet" halves the image three times in two steps.
    auxiliary: in training mode the output is (logits, logits of the auxiliary head), in evaluation mode logits.
    affine: whether batch norms before the cells' graphs learn scale and shift.

    Shape: (N, in_channels, H, W) -> (N, num_classes).
    """

    def __init__(self, make_graph: Callable[[int, bool], nn.Module], num_classes: int = 10, in_channels: int = 3,
                 channels: int = 36, cells: int = 20, stem: str = "cifar", auxiliary: bool = False,
                 affine: bool = True):
        super().__init__()
        blocks = _stem(in_channels, channels, stem)
        self.stems = len(blocks)
        before = last = 3 * channels if stem == "cifar" else channels
        halve = stem == "imagenet"
        self.auxiliary_head, self.auxiliary_after = None, 2 * cells // 3
        for number in range(cells):
            reduction = number in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduction else 1
            blocks.append(Cell(make_graph(channels, reduction), before, last, channels, halve, affine))
            before, last, halve = last, len(NODES) * channels, reduction
            if auxiliary and number == self.auxiliary_after:
                self.auxiliary_head = AuxiliaryHead(last, num_classes, 3 if stem == "cifar" else 2, stem == "cifar")
        blocks.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, num_classes)))
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        before = last = self.blocks[0](x)
        if self.stems == 2:
            last = self.blocks[1](before)
        second = None
        for number, cell in enumerate(self.blocks[self.stems:-1]):
            before, last = last, cell(before, last)
            if self.training and self.auxiliary_head is not None and number == self.auxiliary_after:
                second = self.auxiliary_head(last)
        logits = self.blocks[-1](last)
        return logits if second is None else (logits, second)


def _stem(in_channels: int, channels: int, stem: str) -> list[nn.Module]:
    def conv(source: int, target: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(source, target, 3, stride, padding=1, bias=False), nn.BatchNorm2d(target)]

    if stem == "cifar":
        return [nn.Sequential(*conv(in_channels, 3 * channels, 1))]
    half = channels // 2
    return [nn.Sequential(*conv(in_channels, half, 2), nn.ReLU(), *conv(half, channels, 2)),
            nn.Sequential(nn.ReLU(), *conv(channels, channels, 2))]
