"""What each block of a network adds to its latency, measured on the exported file.

A runtime's own profiler adds its clock to every kernel, which for small networks takes longer than the kernel. So the
file is cut after every block, all beginnings are measured side by side, and a block costs what it adds to the one
before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import onnx

from dcanas.basics.errors import UserError
from dcanas.export.blocks import ALL, block_of_node, stored_blocks
from dcanas.hardware.devices.device import Device
from dcanas.hardware.measuring.profiler import profile_onnx

SECONDS = 0.15  # of counted runs per beginning
BEFORE = (ALL, "input", "normalise")  # executed before the first block, and counted as part of it


@dataclass(frozen=True)
class BlockLatency:
    """What blocks `first` to `last` of a network add to its latency, in ms; noise can make a small one negative.

    The first one includes the runtime's own call and the normalisation of the input.
    """

    first: int
    last: int
    added_ms: float


def block_ends(model: onnx.ModelProto) -> dict[int, str]:
    """Return for every block of the network, by number, the name of its output tensor; empty if the file does not state
    the blocks of its nodes (see `export_onnx`)."""
    starts, ends = stored_blocks(model), {}
    for number, node in enumerate(model.graph.node):
        block = block_of_node(starts, number)
        if block not in BEFORE:
            ends[block] = node.output[0]
    return dict(enumerate(ends.values()))


def profile_blocks(path: Path, device: Device, counts: Sequence[int] = (), seconds: float = SECONDS,
                   seed: int = 0) -> list[BlockLatency]:
    """Measure what each block adds to the latency.

    Args:
        path: an exported file.
        counts: lengths of runs of equal blocks, each measured as one; empty: every block alone.
        seconds: of counted runs per beginning of the file.
        seed: of the input and of the order of visits.

    Raises:
        UserError: the file does not say which blocks its nodes belong to.
    """
    model = onnx.load(path)
    ends = block_ends(model)
    if not ends:
        raise UserError(f"{path} does not name the blocks of its network; export it again with this version.")
    lengths = counts if sum(counts) == len(ends) else [1] * len(ends)
    groups = [(end - length, end - 1) for length, end in zip(lengths, accumulate(lengths), strict=True)]
    with tempfile.TemporaryDirectory(prefix="dcanas-blocks-") as folder:
        files = {}
        for _, last in groups:
            files[str(last)] = Path(folder) / f"{last}.onnx"
            onnx.save(_beginning(model, ends[last]), files[str(last)])
        profiles = profile_onnx(files, device, seconds, seed)
    medians = [0.0, *(profiles[str(last)].median_ms for _, last in groups)]
    return [BlockLatency(*group, after - before) for group, (before, after) in
            zip(groups, pairwise(medians), strict=True)]


def _beginning(model: onnx.ModelProto, end: str) -> onnx.ModelProto:
    """Return the part of a model that computes the tensor `end`."""
    part = onnx.ModelProto()
    part.CopyFrom(model)
    needed, nodes = {end}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed.update(node.input)
            nodes.append(node)
    del part.graph.node[:], part.graph.output[:], part.graph.initializer[:]
    part.graph.node.extend(reversed(nodes))
    part.graph.initializer.extend(t for t in model.graph.initializer if t.name in needed)
    part.graph.output.append(onnx.helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, None))
    return part
