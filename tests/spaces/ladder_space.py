"""Ladder: a chain of four rungs, each one of four blocks. A whole search space in one file."""

import inspect
import itertools
from typing import ClassVar

import torch
from torch import nn

from dcanas.spaces import Architecture, CellSpec, NotationError, Slot, Space, spaces
from dcanas.spaces.plan import BlockPlanner

OPTIONS = ("conv3", "conv5", "depthwise3", "depthwise5")  # what a rung may be
STRIDES = (1, 2, 1, 2)


class Rung(nn.Sequential):
    """One block: a plain convolution, or a depthwise one followed by a 1x1 convolution; batch norm, ReLU."""

    def __init__(self, option: str, in_channels: int, out_channels: int, stride: int, affine: bool = True):
        kernel = int(option[-1])
        if option.startswith("conv"):
            layers = [nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)]
        else:
            layers = [nn.Conv2d(in_channels, in_channels, kernel, stride, kernel // 2, groups=in_channels, bias=False),
                      nn.Conv2d(in_channels, out_channels, 1, bias=False)]
        super().__init__(*layers, nn.BatchNorm2d(out_channels, affine=affine), nn.ReLU())


class Chain(nn.Module):
    """Stem, rungs, head. Shape: (N, in_channels, H, W) -> (N, num_classes)."""

    def __init__(self, rungs: list, channels: int, num_classes: int, in_channels: int):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(in_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
                             nn.ReLU())
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * channels, num_classes))
        self.blocks = nn.ModuleList([stem, *rungs, head])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


def shapes(channels: int) -> list:
    """Return (input channels, output channels, stride) of every rung: a stride of 2 doubles the channels."""
    found = []
    for stride in STRIDES:
        found.append((channels, channels * stride, stride))
        channels *= stride
    return found


@spaces.add
class Ladder(Space):
    """Ladder: four rungs, four blocks each. Skeleton: `channels` of the stem."""

    name = "ladder"
    slots = tuple(Slot(f"rung{number}", OPTIONS) for number in range(len(STRIDES)))
    search_skeleton: ClassVar = {"channels": 8}
    final_skeleton: ClassVar = {"channels": 8}

    def parse(self, text):
        names = text.strip().split("-")
        if len(names) != len(STRIDES) or not set(names) <= set(OPTIONS):
            raise NotationError(f"Expected {len(STRIDES)} of {', '.join(OPTIONS)} joined by '-', found {text!r}.")
        return self.architecture(OPTIONS.index(name) for name in names)

    def format(self, arch):
        return "-".join(OPTIONS[choice] for choice in arch.choices)

    def enumerate(self):
        return (Architecture(self.name, c) for c in itertools.product(range(len(OPTIONS)), repeat=len(STRIDES)))

    def canonical(self, arch):
        return arch  # no two codes are the same network

    def prune(self, arch):
        return arch  # nothing in a chain is dead

    def is_dead(self, arch):
        return False

    def build(self, arch, num_classes=10, in_channels=3, **skeleton):
        channels = self.complete_skeleton(skeleton)["channels"]
        rungs = [Rung(OPTIONS[c], *shape) for c, shape in zip(arch.choices, shapes(channels), strict=True)]
        return Chain(rungs, channels, num_classes, in_channels)

    def assemble(self, make_cell, num_classes=10, in_channels=3, **skeleton):
        channels = self.complete_skeleton(skeleton)["channels"]
        rungs = [make_cell(CellSpec((number,), ((0, 1),), (1,), before, after, (stride,)))
                 for number, (before, after, stride) in enumerate(shapes(channels))]
        return Chain(rungs, channels, num_classes, in_channels)

    def candidate(self, option, in_channels, out_channels, stride):
        return Rung(option, in_channels, out_channels, stride, affine=False)

    def source(self, arch, num_classes=10, in_channels=3, **skeleton):
        channels = self.complete_skeleton(skeleton)["channels"]
        rungs = [(OPTIONS[c], *shape) for c, shape in zip(arch.choices, shapes(channels), strict=True)]
        return (f"import torch\nfrom torch import nn\n\n\n{inspect.getsource(Rung)}\n\n{inspect.getsource(Chain)}\n\n"
                f"def build() -> nn.Module:\n    return Chain([Rung(*rung) for rung in {rungs!r}], {channels}, "
                f"{num_classes}, {in_channels})\n")

    def plan(self, arch, input_shape=(3, 32, 32), num_classes=10, **skeleton):
        channels = self.complete_skeleton(skeleton)["channels"]
        stem = BlockPlanner("stem", tuple(input_shape))
        blocks = [stem.done(stem.relu(stem.conv_bn(0, channels, kernel=3)))]
        for choice, (before, after, stride) in zip(arch.choices, shapes(channels), strict=True):
            rung, kernel, value = BlockPlanner("rung", blocks[-1].steps[-1].shape), int(OPTIONS[choice][-1]), 0
            if OPTIONS[choice].startswith("depthwise"):
                value = rung.conv_bn(0, before, kernel, stride, groups=before, norm=False)
                kernel, stride = 1, 1
            blocks.append(rung.done(rung.relu(rung.conv_bn(value, after, kernel, stride))))
        head = BlockPlanner("head", blocks[-1].steps[-1].shape)
        return (*blocks, head.done(head.linear(head.global_pool(0), num_classes)))
