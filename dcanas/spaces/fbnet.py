"""The FBNet space (Wu et al., CVPR 2019; arXiv 1812.03443), in the form of HW-NAS-Bench (Li et al., ICLR 2021).

A chain of 22 layers, each one of nine blocks: inverted residuals of kernel 3 or 5, expansion 1, 3 or 6, with or without
two groups, or a skip connection: 9^22, about 10^21 members.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.basics.errors import UserError
from dcanas.spaces.plan import Block, BlockPlanner, Shape, head_block, stem_block
from dcanas.spaces.space import Space, delivered_source
from dcanas.spaces.types import Architecture, CellSpec, NotationError, Slot

if TYPE_CHECKING:
    import torch

BLOCKS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")  # HW-NAS-Bench's order
STEM = 16  # channels
STAGES = ((1, 16), (4, 24), (4, 32), (4, 64), (4, 112), (4, 184), (1, 352))  # layers, channels
LAYERS = sum(depth for depth, _ in STAGES)
FORMS = {  # stem -> its stride, strides of the stages' first layers, width of the head
    "cifar": (1, (1, 1, 2, 2, 1, 2, 1), 1504),
    "imagenet": (2, (1, 2, 2, 2, 1, 2, 1), 1984),
}


class Fbnet(Space):
    """FBNet: a chain of 22 layers, nine blocks each.

    Skeleton: `stem` ("cifar" with strides 1 | 1 1 2 2 1 2 1 and a head of 1504 channels, "imagenet" with strides
    2 | 1 2 2 2 1 2 1 and 1984). Every member is alive and equals its `prune` and its `canonical`.
    """

    name = "fbnet"
    slots = tuple(Slot(f"layer{number}", BLOCKS) for number in range(LAYERS))
    search_skeleton: ClassVar[dict[str, Any]] = {"stem": "cifar"}
    final_skeleton: ClassVar[dict[str, Any]] = {"stem": "cifar"}
    skeleton_options: ClassVar[dict[str, Sequence[str]]] = {"stem": tuple(FORMS)}

    def parse(self, text: str) -> Architecture:
        """Read 22 block names joined by commas; raises `NotationError`."""
        names = [name.strip() for name in text.split(",")]
        for number, name in enumerate(names, start=1):
            if name not in BLOCKS:
                raise NotationError(f"Block {number}: expected one of {', '.join(BLOCKS)}, found {name!r}.")
        if len(names) != LAYERS:
            raise NotationError(f"FBNet notation is {LAYERS} block names joined by commas, found {len(names)}.")
        return self.architecture(BLOCKS.index(name) for name in names)

    def format(self, arch: Architecture) -> str:
        return ",".join(BLOCKS[choice] for choice in arch.choices)

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network; option `stem`. Input (N, in_channels, H, W)."""
        from dcanas.spaces.fbnet_network import Network, operation

        form = self.complete_skeleton(skeleton)["stem"]
        layers = [operation(BLOCKS[choice], *shape) for choice, shape in zip(arch.choices, shapes(form), strict=True)]
        return Network(layers, *_ends(form), num_classes, in_channels)

    def assemble(self, make_cell: Callable[[CellSpec], torch.nn.Module], num_classes: int = 10, in_channels: int = 3,
                 **skeleton: Any) -> torch.nn.Module:
        from dcanas.spaces.fbnet_network import Network

        form = self.complete_skeleton(skeleton)["stem"]
        layers = [make_cell(CellSpec((number,), ((0, 1),), (1,), channels, width, (stride,)))
                  for number, (channels, width, stride) in enumerate(shapes(form))]
        return Network(layers, *_ends(form), num_classes, in_channels)

    def candidate(self, option: str, in_channels: int, out_channels: int, stride: int) -> torch.nn.Module | None:
        """Raises `UserError` if a bottleneck leaves a grouped block an odd number of channels."""
        from dcanas.spaces.fbnet_network import operation

        if option.endswith("_g2") and (in_channels % 2 or out_channels % 2):
            raise UserError(f"The two groups of {option} in fbnet need even numbers of channels, and the bottleneck "
                            f"leaves {in_channels} and {out_channels}; set search.bottleneck to 1, 2 or 4.")
        return operation(option, in_channels, out_channels, stride, affine=False)

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import fbnet_network

        form = self.complete_skeleton(skeleton)["stem"]
        layers = [(BLOCKS[choice], *shape) for choice, shape in zip(arch.choices, shapes(form), strict=True)]
        widths, stride = _ends(form)
        return delivered_source(
            fbnet_network, "Return the network of these layers: block, channels in and out, stride.",
            "layers = [", *(f"    {layer!r}," for layer in layers), "]",
            f"return Network([operation(*layer) for layer in layers], {widths!r}, {stride}, {num_classes}, "
            f"{in_channels})")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        """Raises `UserError` if the image is too small for the strides."""
        form = self.complete_skeleton(skeleton)["stem"]
        stride, strides, width = FORMS[form]
        least = stride * math.prod(strides)
        self.require_side(input_shape, least, f" with stem={form}", " or stem=cifar" if form == "imagenet" else "")
        blocks = [stem_block(tuple(input_shape), STEM, stride)]
        for choice, (_, out_channels, step) in zip(arch.choices, shapes(form), strict=True):
            if BLOCKS[choice] != "skip" or step > 1 or blocks[-1].output_shape[0] != out_channels:
                blocks.append(_layer(BLOCKS[choice], blocks[-1].output_shape, out_channels, step))
        return (*blocks, head_block(blocks[-1].output_shape, num_classes, width))


def shapes(form: str) -> list[tuple[int, int, int]]:
    """Return (input channels, output channels, stride) of the layers."""
    found, channels = [], STEM
    for (depth, width), stride in zip(STAGES, FORMS[form][1], strict=True):
        for number in range(depth):
            found.append((channels, width, 1 if number else stride))
            channels = width
    return found


def _ends(form: str) -> tuple[tuple[int, int, int], int]:
    """Return the channels of stem, last layer and head, and the stem's stride."""
    stride, _, head = FORMS[form]
    return (STEM, STAGES[-1][1], head), stride


@lru_cache(maxsize=1 << 12)
def _layer(name: str, shape: Shape, out_channels: int, stride: int) -> Block:
    block = BlockPlanner("layer", shape)
    if name == "skip":
        return block.done(block.relu(block.conv_bn(0, out_channels, kernel=1, stride=stride)))
    numbers = {part[0]: int(part[1:]) for part in name.split("_")}
    hidden, groups = numbers["e"] * shape[0], numbers.get("g", 1)
    value = block.relu(block.conv_bn(0, hidden, kernel=1, groups=groups))
    if groups > 1:
        value = block.reshaped("shuffle", value, *shape[1:])
    value = block.relu(block.conv_bn(value, hidden, numbers["k"], stride, groups=hidden))
    value = block.conv_bn(value, out_channels, kernel=1, groups=groups)
    return block.done(block.add(0, value) if stride == 1 and shape[0] == out_channels else value)
