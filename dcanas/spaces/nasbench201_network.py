"""Networks of NAS-Bench-201 (Dong & Yang, ICLR 2020): stem, three stages of cells, head. Needs torch only.

This file imports nothing but torch, so that it can be delivered as it stands beside trained weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (source, target) of the six operations
OUTPUT = 3


class ReLUConvBN(nn.Sequential):
    """ReLU, convolution without bias, batch norm (`affine`: with learned scale and shift)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, affine: bool = True):
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels, affine=affine),
        )


def operation(name: str, channels: int, affine: bool = True) -> nn.Module:
    """Return a candidate operation that keeps the shape (N, channels, H, W)."""
    if name == "skip_connect":
        return nn.Identity()
    if name == "nor_conv_1x1":
        return ReLUConvBN(channels, channels, 1, affine=affine)
    if name == "nor_conv_3x3":
        return ReLUConvBN(channels, channels, 3, affine=affine)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    raise ValueError(f"no operation {name!r}")


class Cell(nn.Module):
    """Four nodes; node 0 is the input, each other node the sum of its live incoming edges, node 3 the output.

    operations: six names in the order of `EDGES`; `none` is not built. An edge that lies on no path from input to
    output is run, as the benchmark counts it, but adds nothing.
    """

    def __init__(self, operations: Sequence[str], channels: int):
        super().__init__()
        used = [e for e, name in enumerate(operations) if name != "none"]
        self.edges = nn.ModuleDict({str(e): operation(operations[e], channels) for e in used})
        reached, needed = {0}, {OUTPUT}
        for e in used:
            if EDGES[e][0] in reached:
                reached.add(EDGES[e][1])
        for e in reversed(used):
            if EDGES[e][1] in needed:
                needed.add(EDGES[e][0])
        self.live = {e for e in used if EDGES[e][0] in reached and EDGES[e][1] in needed}

    def forward(self, x: Tensor) -> Tensor:
        nodes: list[Tensor | None] = [x, None, None, None]
        for key, edge in self.edges.items():
            source, target = EDGES[int(key)]
            value = nodes[source]
            value = edge(torch.zeros_like(x) if value is None else value)
            if int(key) in self.live:
                total = nodes[target]
                nodes[target] = value if total is None else total + value
        output = nodes[OUTPUT]
        return torch.zeros_like(x) if output is None else output


class Reduction(nn.Module):
    """Residual block that doubles the channels and halves height and width (rounded up)."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(ReLUConvBN(channels, 2 * channels, 3, stride=2),
                                  ReLUConvBN(2 * channels, 2 * channels, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, stride=2, ceil_mode=True, count_include_pad=False),
                                      nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        shortcut: Tensor = self.shortcut(x)
        return shortcut + body


class Network(nn.Module):
    """Stem 3x3, three stages of `cells` cells at C, 2C and 4C channels with reductions between, BN-ReLU-pool-linear.

    make_cell: takes the number of channels and returns a module that keeps the shape.
    Shape: (N, in_channels, H, W) -> (N, num_classes).
    """

    def __init__(self, make_cell: Callable[[int], nn.Module], num_classes: int = 10, in_channels: int = 3,
                 channels: int = 16, cells: int = 5):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(in_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        blocks: list[nn.Module] = [stem]
        for stage in range(3):
            if stage:
                blocks.append(Reduction(channels))
                channels *= 2
            blocks += [make_cell(channels) for _ in range(cells)]
        head = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                             nn.Linear(channels, num_classes))
        self.blocks = nn.ModuleList([*blocks, head])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
