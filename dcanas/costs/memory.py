"""Peak memory of activations: liveness over the steps of a plan.

Execution order is the order of the exported file: blocks one after another, within a cell the nodes in order and the
edges of a node by source, each edge's value added to its node at once. A tensor lives from the step that makes it to
the last step that reads it; during a step its inputs and its output are alive together. Elementwise steps (ReLU, add,
batch norm) write into an input of the same size that dies there, if there is one; operations without parameters that
read the same tensors run once, and a skip connection is the tensor itself. Weights and a convolution's working space
are not activations and do not count.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from dcanas.spaces.plan import Block


def peak_elements(blocks: Iterable[Block]) -> int:
    """Return the largest number of activation values alive at once; batch 1."""
    return max(_block_peak(block) for block in blocks)


@lru_cache(maxsize=1 << 13)
def _block_peak(block: Block) -> int:
    given = [math.prod(shape) for shape in (block.input_shape, *block.others)]
    size = dict(enumerate(given)) | {step.output: math.prod(step.shape) for step in block.steps}
    unit = math.gcd(*size.values())
    steps = tuple([(step.inputs, step.output, step.in_place) for step in block.steps])
    sizes = tuple([(tensor, values // unit) for tensor, values in size.items()])
    return unit * _peak_units(steps, sizes, len(given), (block.output, *block.kept))


@lru_cache(maxsize=1 << 13)  # most blocks differ only in the size of their tensors
def _peak_units(steps: tuple[tuple[tuple[int, ...], int, bool], ...], sizes: tuple[tuple[int, int], ...], given: int,
                kept: tuple[int, ...]) -> int:
    return live_peak(steps, dict(sizes), set(range(given)), kept)


def live_peak(steps: Sequence[tuple[Sequence[int], int, bool]], size: Mapping[int, int], given: set[int],
              kept: Iterable[int], whole: Collection[int] = ()) -> int:
    """Return the largest number of values alive at once.

    Args:
        steps: per step the tensors read, the tensor written, and whether it may overwrite an input that dies there.
        size: number of values of each tensor.
        given: tensors that are there at the start.
        kept: tensors that live to the end.
        whole: tensors that are never overwritten.
    """
    last_read = dict.fromkeys(kept, len(steps))
    for time, (read, _, _) in enumerate(steps):
        for tensor in read:
            last_read[tensor] = max(time, last_read.get(tensor, 0))
    alive, peak = given, sum(size[t] for t in given)
    for time, (read, written, in_place) in enumerate(steps):
        dying = {t for t in alive if last_read.get(t, -1) <= time}
        reuses = written in alive or (in_place and any(
            t in dying and t not in whole and size[t] == size[written] for t in read))
        peak = max(peak, sum(size[t] for t in alive) + (0 if reuses else size[written]))
        alive = (alive - dying) | {written}
    return peak
