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
from collections.abc import Iterable
from functools import lru_cache

from dcanas.spaces.plan import Block


def peak_elements(blocks: Iterable[Block]) -> int:
    """Return the largest number of activation values alive at once; batch 1."""
    return max(_block_peak(block) for block in blocks)


@lru_cache(maxsize=1 << 13)
def _block_peak(block: Block) -> int:
    given = [math.prod(shape) for shape in (block.input_shape, *block.others)]
    size = dict(enumerate(given)) | {step.output: math.prod(step.shape) for step in block.steps}
    last_read = dict.fromkeys((block.output, *block.kept), len(block.steps))
    for time, step in enumerate(block.steps):
        for tensor in step.inputs:
            last_read[tensor] = max(time, last_read.get(tensor, 0))
    alive, peak = set(range(len(given))), sum(given)
    for time, step in enumerate(block.steps):
        dying = {tensor for tensor in alive if last_read.get(tensor, -1) <= time}
        reuses = step.in_place and any(t in dying and size[t] == size[step.output] for t in step.inputs)
        peak = max(peak, sum(size[t] for t in alive) + (0 if reuses else size[step.output]))
        alive = (alive - dying) | {step.output}
    return peak
