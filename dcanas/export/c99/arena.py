"""Where every image lies in one piece of memory: planned once, so that the generated code allocates nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dcanas.export.c99.steps import Program, Step, Tensor

ALIGNMENT = 4  # bytes: of every offset, so that copies go word by word
SHUFFLES = 60  # orders tried beside the usual ones


@dataclass(frozen=True)
class Arena:
    """Offsets in bytes, by tensor and, of what a step needs for itself, by step.

    `lower_bound`: the largest sum of bytes of tensors that are alive at one step, which no plan can go below.
    """

    tensors: dict[Tensor, int]
    scratch: dict[Step, int]
    bytes: int
    lower_bound: int


@dataclass(eq=False)
class _Buffer:
    """Bytes that are alive from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int
    offset: int = 0

    def meets(self, other: _Buffer) -> bool:
        return self.first <= other.last and other.first <= self.last


def plan_arena(program: Program) -> Arena:
    """Return the smallest of several placements, each first fit in another order.

    A tensor lives from the step that makes it to its last use, the logits to the end. A step that reads and writes byte
    by byte writes over an input that dies there. The image is the caller's and not part of the arena.
    """
    tensors = _tensor_buffers(program)
    scratch = {step: _Buffer(aligned(step.scratch), number, number)
               for number, step in enumerate(program.steps) if step.scratch}
    buffers = [*dict.fromkeys(tensors.values()), *scratch.values()]
    best, offsets = -1, {}
    bound = _live(buffers, len(program.steps))
    tensors_alone = _live([*dict.fromkeys(tensors.values())], len(program.steps))
    for order in _orders(buffers):
        size = _place(order)
        if best < 0 or size < best:
            best, offsets = size, {buffer: buffer.offset for buffer in buffers}
        if best == bound:
            break
    return Arena({tensor: offsets[buffer] for tensor, buffer in tensors.items()},
                 {step: offsets[buffer] for step, buffer in scratch.items()}, best, tensors_alone)


def _tensor_buffers(program: Program) -> dict[Tensor, _Buffer]:
    last = {tensor: number for number, step in enumerate(program.steps) for tensor in (step.makes, *step.reads)}
    last[program.logits] = len(program.steps) - 1
    buffers: dict[Tensor, _Buffer] = {}
    for number, step in enumerate(program.steps):
        over = next((tensor for tensor in step.in_place
                     if last[tensor] == number and tensor.bytes == step.makes.bytes), None)
        if over is None:
            buffers[step.makes] = _Buffer(aligned(step.makes.bytes), number, last[step.makes])
        else:
            buffers[step.makes] = buffers[over]
            buffers[over].last = last[step.makes]
    return buffers


def _live(buffers: Sequence[_Buffer], steps: int) -> int:
    return max(sum(buffer.size for buffer in buffers if buffer.first <= number <= buffer.last)
               for number in range(steps))


def _orders(buffers: Sequence[_Buffer]) -> Iterator[list[_Buffer]]:
    """Yield orders of placement: by size, length of life, both, beginning, and shuffled ones near the first."""
    yield sorted(buffers, key=lambda b: (-b.size, b.first))
    yield sorted(buffers, key=lambda b: (-b.size * (b.last - b.first + 1), b.first))
    yield sorted(buffers, key=lambda b: (b.first - b.last, -b.size))
    yield sorted(buffers, key=lambda b: (b.first, -b.size))
    yield sorted(buffers, key=lambda b: (-b.last, -b.size))
    chance = random.Random(0)
    for _ in range(SHUFFLES):
        weight = {buffer: buffer.size * chance.uniform(0.3, 1) for buffer in buffers}
        yield sorted(buffers, key=lambda b: -weight[b])


def _place(order: Sequence[_Buffer]) -> int:
    """Give each buffer the lowest offset that is free during its life; return the bytes taken."""
    placed: list[_Buffer] = []
    for buffer in order:
        offset = 0
        for other in sorted((b for b in placed if b.meets(buffer)), key=lambda b: b.offset):
            if offset + buffer.size <= other.offset:
                break
            offset = max(offset, other.offset + other.size)
        buffer.offset = offset
        placed.append(buffer)
    return max((buffer.offset + buffer.size for buffer in placed), default=0)


def aligned(size: int) -> int:
    """Return the bytes that a piece of this size takes."""
    return -(-size // ALIGNMENT) * ALIGNMENT
