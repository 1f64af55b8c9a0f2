"""Small residual networks (He et al., CVPR 2016, section 4.2) as a space: ResNet-(6n + 2) and their relatives.

Three stages of basic blocks at w, 2w and 4w channels; the published networks have n blocks in each stage and w = 16.
Shortcuts have no parameters (option A). Costs are products of width and depth, not sums over slots, so there is no
integer programme here, and no supernet that mixes options by slot.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.spaces.plan import Block, BlockPlanner, Shape, head_block, stem_block
from dcanas.spaces.space import Space, delivered_source
from dcanas.spaces.types import Architecture, NotationError, Slot

if TYPE_CHECKING:
    import torch

WIDTHS = tuple(range(4, 68, 4))
DEPTHS = tuple(range(1, 10))
LEAST_SIDE = 4  # pixels: two stages halve them


class ResNet(Space):
    """ResNet for small images: width 4 to 64, one to nine blocks in each of three stages.

    No skeleton options. Notation: `w16-d3-d3-d3` is ResNet-20. Every code is alive and a network of its own.
    """

    name = "resnet"
    slots = (Slot("width", tuple(map(str, WIDTHS))),
             *(Slot(f"stage{number}.depth", tuple(map(str, DEPTHS))) for number in (1, 2, 3)))
    search_skeleton: ClassVar[dict[str, Any]] = {}
    final_skeleton: ClassVar[dict[str, Any]] = {}
    additive = False

    def parse(self, text: str) -> Architecture:
        found = re.fullmatch(r"w(\d+)-d(\d+)-d(\d+)-d(\d+)", text.strip())
        if not found:
            raise NotationError(f"ResNet notation is w<width>-d<blocks>-d<blocks>-d<blocks>, such as w16-d3-d3-d3, "
                                f"found {text!r}.")
        choices = []
        for slot, number in zip(self.slots, found.groups(), strict=True):
            if number not in slot.options:
                raise NotationError(f"{slot.name} must be one of {', '.join(slot.options)}, found {number}.")
            choices.append(slot.options.index(number))
        return self.architecture(choices)

    def format(self, arch: Architecture) -> str:
        width, depths = _decode(arch)
        return f"w{width}-" + "-".join(f"d{depth}" for depth in depths)

    def enumerate(self) -> Iterator[Architecture]:
        """Yield the 11,664 codes, the narrowest and shallowest first."""
        ranges = (range(len(slot.options)) for slot in self.slots)
        return (Architecture(self.name, choices) for choices in itertools.product(*ranges))

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network. Input (N, in_channels, H, W)."""
        from dcanas.spaces.resnet_network import Network

        self.complete_skeleton(skeleton)
        return Network(*_decode(arch), num_classes, in_channels)

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import resnet_network

        width, depths = _decode(arch)
        return delivered_source(resnet_network, f"Return {self.format(arch)}.",
                                f"return Network({width}, {depths}, {num_classes}, {in_channels})")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        """Raises `UserError` if the image is too small for the strides."""
        self.complete_skeleton(skeleton)
        self.require_side(input_shape, LEAST_SIDE)
        width, depths = _decode(arch)
        blocks = [stem_block(tuple(input_shape), width)]
        for stage, depth in enumerate(depths):
            if stage:
                blocks.append(_block(blocks[-1].output_shape, width * 2**stage, 2, 1))
            if depth - bool(stage):
                blocks.append(_block(blocks[-1].output_shape, width * 2**stage, 1, depth - bool(stage)))
        return (*blocks, head_block(blocks[-1].output_shape, num_classes))


def _decode(arch: Architecture) -> tuple[int, tuple[int, ...]]:
    """Return width and depths."""
    width, *depths = arch.choices
    return WIDTHS[width], tuple(DEPTHS[depth] for depth in depths)


@lru_cache(maxsize=1 << 10)
def _block(shape: Shape, out_channels: int, stride: int, count: int) -> Block:
    block = BlockPlanner("block", shape, count)
    value = block.relu(block.conv_bn(0, out_channels, 3, stride))
    value = block.conv_bn(value, out_channels, 3)
    shortcut = 0 if stride == 1 else block.widened(block.reshaped("slice", 0, *block.shapes[value][1:]), out_channels)
    return block.done(block.relu(block.add(shortcut, value)))
