"""What the exported networks of the DARTS space execute, in closed form (see `spaces.plan`).

Everything that reads a cell's output begins with the same ReLU, so the file rectifies it once: what a cell hands to the
next but one is the rectified tensor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from dcanas.spaces.plan import Block, BlockPlanner, Shape, head_block

EDGES = tuple((source, target) for target in range(2, 6) for source in range(target))


def plan_network(normal: tuple[str, ...], reduce: tuple[str, ...], input_shape: Shape, num_classes: int,
                 channels: int, cells: int, stem: str) -> tuple[Block, ...]:
    """Return the blocks of the network whose cells have these fourteen operations each, in the order of `EDGES`.

    A node without operations stands for zeros: such codes break the groups and are asked for linear costs only.
    """
    blocks = [*_stem(input_shape, channels, stem)]
    last: Shape = blocks[-1].output_shape
    before: Shape | None = None if stem == "cifar" else blocks[0].output_shape  # None: the same tensor as `last`
    halve = stem == "imagenet"
    cell_blocks: list[tuple[Any, ...]] = []
    for number in range(cells):
        reduction = number in (cells // 3, 2 * cells // 3)
        channels *= 2 if reduction else 1
        description = (reduce if reduction else normal, reduction, channels, last, before, halve, number + 1 == cells)
        cell_blocks.append(description)
        _, height, width = last
        before = last
        last = (4 * channels, *((-(-height // 2), -(-width // 2)) if reduction else (height, width)))
        halve = reduction
    while cell_blocks:
        count = next((i for i, other in enumerate(cell_blocks) if other != cell_blocks[0]), len(cell_blocks))
        blocks.append(_cell(*cell_blocks[0], count))
        del cell_blocks[:count]
    return (*blocks, head_block(last, num_classes))


def total_stride(cells: int, stem: str) -> int:
    """Return the factor by which the network reduces height and width."""
    return int(2 ** len({cells // 3, 2 * cells // 3})) * (8 if stem == "imagenet" else 1)


@lru_cache
def _stem(input_shape: Shape, channels: int, stem: str) -> tuple[Block, ...]:
    first = BlockPlanner("stem", input_shape)
    if stem == "cifar":
        return (first.done(first.conv_bn(0, 3 * channels, kernel=3)),)
    half = first.relu(first.conv_bn(0, channels // 2, kernel=3, stride=2))
    first_block = first.done(first.conv_bn(half, channels, kernel=3, stride=2))
    second = BlockPlanner("stem", first_block.output_shape)
    rectified = second.relu(0)
    return first_block, second.done(second.conv_bn(rectified, channels, kernel=3, stride=2), (rectified,))


@lru_cache(maxsize=1 << 12)
def _cell(operations: tuple[str, ...], reduction: bool, channels: int, last: Shape, before: Shape | None, halve: bool,
          is_last: bool, count: int) -> Block:
    """last: shape of the cell before's output, tensor 0; before: of the rectified one before that, tensor 1."""
    block = BlockPlanner("cell", last, count, () if before is None else (before,))
    older = block.relu(0) if before is None else 1
    first = _factorized(block, older, channels) if halve else block.conv_bn(older, channels, kernel=1)
    rectified = block.relu(0)
    nodes = [first, block.conv_bn(rectified, channels, kernel=1)]
    _, height, width = last
    inner = (-(-height // 2), -(-width // 2)) if reduction else (height, width)
    for node in range(2, 6):
        total = None
        for name, (source, target) in zip(operations, EDGES, strict=True):
            if target == node and name != "none":
                value = _operation(block, name, nodes[source], channels, 2 if reduction and source < 2 else 1)
                total = value if total is None else block.add(total, value)
        nodes.append(block.reshaped("zeros", nodes[0], *inner) if total is None else total)
    return block.done(block.concat(nodes[2:]), () if is_last else (rectified,))


def _operation(block: BlockPlanner, name: str, source: int, channels: int, stride: int) -> int:
    if name == "skip_connect":
        return source if stride == 1 else _factorized(block, block.relu(source), channels)
    if name == "max_pool_3x3":
        return block.max_pool(source, stride)
    if name == "avg_pool_3x3":
        return block.avg_pool(source, stride)
    value, kernel = source, int(name[-1])
    for repeat in range(2 if name.startswith("sep") else 1):
        value = block.conv_bn(block.relu(value), channels, kernel, 1 if repeat else stride, groups=channels,
                              norm=False)
        value = block.conv_bn(value, channels, kernel=1)
    return value


def _factorized(block: BlockPlanner, rectified: int, channels: int) -> int:
    _, height, width = block.shapes[rectified]
    even = block.conv_bn(rectified, channels // 2, kernel=1, stride=2, norm=False)
    shifted = block.reshaped("pad", rectified, height - 1 + height % 2, width - 1 + width % 2)
    odd = block.conv_bn(shifted, channels - channels // 2, kernel=1, stride=2, norm=False)
    return block.batch_norm(block.concat((even, odd)))
