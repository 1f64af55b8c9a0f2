"""Hand-made networks of depthwise separable convolutions for microcontrollers, as a space of two patterns and a width.

MobileNetV1 (Howard et al., 2017): a stem of 32 channels and 13 blocks up to 1,024. DS-CNN (Zhang et al., "Hello Edge",
2017): a stem and four blocks of 64 channels; for images its stem has 3x3 pixels and stride 2 in place of the 10x4 that
suit a spectrogram of 49 x 10. A width multiplies all channels, rounded down, to at least 8 as in the authors' code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.spaces.plan import Block, BlockPlanner, Shape, head_block, stem_block
from dcanas.spaces.space import Space, delivered_source
from dcanas.spaces.types import Architecture, NotationError, Slot

if TYPE_CHECKING:
    import torch

PATTERNS: dict[str, tuple[int, tuple[tuple[int, int], ...]]] = {  # stem; width and stride of every block
    "mobilenetv1": (32, ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *(5 * ((512, 1),)), (1024, 2),
                         (1024, 1))),
    "dscnn": (64, 4 * ((64, 1),)),
}
PERCENT = tuple(range(10, 205, 5))
LEAST_WIDTH = 8
LEAST_SIDE = 4  # pixels


class Separable(Space):
    """MobileNetV1 and DS-CNN of depthwise separable convolutions, at widths from 0.1 to 2.

    No skeleton options. Notation: `mobilenetv1-x0.25`. Every code is alive.
    """

    name = "separable"
    slots = (Slot("pattern", tuple(PATTERNS)), Slot("width", tuple(f"{percent / 100:g}" for percent in PERCENT)))
    search_skeleton: ClassVar[dict[str, Any]] = {}
    final_skeleton: ClassVar[dict[str, Any]] = {}
    additive = False

    def parse(self, text: str) -> Architecture:
        found = re.fullmatch(r"([a-z0-9]+)-x([\d.]+)", text.strip())
        if not found:
            raise NotationError(f"Notation of separable networks is <pattern>-x<width>, such as mobilenetv1-x0.25, "
                                f"found {text!r}.")
        choices = []
        for slot, option in zip(self.slots, found.groups(), strict=True):
            if option not in slot.options:
                raise NotationError(f"{slot.name} must be one of {', '.join(slot.options)}, found {option}.")
            choices.append(slot.options.index(option))
        return self.architecture(choices)

    def format(self, arch: Architecture) -> str:
        pattern, width = (slot.options[choice] for slot, choice in zip(self.slots, arch.choices, strict=True))
        return f"{pattern}-x{width}"

    def enumerate(self) -> Iterator[Architecture]:
        """Yield all codes, the narrowest of a pattern first."""
        return (Architecture(self.name, (pattern, width)) for pattern in range(len(PATTERNS))
                for width in range(len(PERCENT)))

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the network. Input (N, in_channels, H, W)."""
        from dcanas.spaces.separable_network import Network

        self.complete_skeleton(skeleton)
        return Network(*_decode(arch), num_classes, in_channels)

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import separable_network

        stem, blocks = _decode(arch)
        return delivered_source(separable_network, f"Return {self.format(arch)}.",
                                f"return Network({stem}, {blocks}, {num_classes}, {in_channels})")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        """Raises `UserError` if the image is too small for the strides."""
        self.complete_skeleton(skeleton)
        self.require_side(input_shape, LEAST_SIDE)
        stem, blocks = _decode(arch)
        planned = [stem_block(tuple(input_shape), stem, 2)]
        for width, stride in blocks:
            planned.append(_block(planned[-1].output_shape, width, stride))
        return (*planned, head_block(planned[-1].output_shape, num_classes))


def _decode(arch: Architecture) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Return the width of the stem, and width and stride of every block."""
    pattern, width = arch.choices
    stem, blocks = tuple(PATTERNS.values())[pattern]
    return _scaled(stem, PERCENT[width]), tuple((_scaled(channels, PERCENT[width]), s) for channels, s in blocks)


def _scaled(channels: int, percent: int) -> int:
    return max(LEAST_WIDTH, channels * percent // 100)


@lru_cache(maxsize=1 << 10)
def _block(shape: Shape, width: int, stride: int) -> Block:
    block = BlockPlanner("separable", shape)
    value = block.relu(block.conv_bn(0, shape[0], 3, stride, groups=shape[0]))
    return block.done(block.relu(block.conv_bn(value, width, 1)))
