"""The plan of a network of inverted residuals; padding makes no step, for exporters fold it into the convolution."""

from __future__ import annotations

import itertools
from functools import lru_cache

from dcanas.spaces.mbconv_notation import Chain, Kind
from dcanas.spaces.plan import Block, BlockPlanner, Shape, head_block, stem_block


def plan_chain(chain: Chain, stem_stride: int, input_shape: tuple[int, int, int],
               num_classes: int) -> tuple[Block, ...]:
    """Return the steps of the exported network; input_shape: (C, H, W) at its own resolution."""
    blocks = [stem_block(input_shape, chain.stem, stem_stride)]
    for stage in chain.stages:
        first, *others = stage.blocks
        blocks.append(_inverted_residual(blocks[-1].output_shape, stage.width, first, stage.stride, 1))
        for kind, equal in itertools.groupby(others):
            blocks.append(_inverted_residual(blocks[-1].output_shape, stage.width, kind, 1, len(list(equal))))
    return (*blocks, head_block(blocks[-1].output_shape, num_classes, chain.head))


def scaled(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (height, width) scaled so that the shorter of them is `side`, the other rounded half up."""
    short = min(height, width)
    return (2 * height * side + short) // (2 * short), (2 * width * side + short) // (2 * short)


@lru_cache(maxsize=1 << 17)
def _inverted_residual(shape: Shape, width: int, kind: Kind, stride: int, count: int) -> Block:
    block = BlockPlanner("inverted residual", shape, count)
    hidden = kind.expansion * shape[0]
    value = block.relu(block.conv_bn(0, hidden, 1)) if kind.expansion > 1 else 0
    value = block.relu(block.conv_bn(value, hidden, kind.kernel, stride, groups=hidden))
    value = block.conv_bn(value, width, 1)
    return block.done(block.add(0, value) if stride == 1 and width == shape[0] else value)
