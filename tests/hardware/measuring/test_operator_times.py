"""Times of operators: which block each belongs to, and that they are those of the file."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.export import export_onnx, with_random_statistics
from dcanas.export.blocks import ALL, BLOCKS, block_of_node
from dcanas.hardware import load_device
from dcanas.hardware.measuring.operator_times import UNKNOWN, _summed, by_block, operator_times
from dcanas.spaces import load_space


def test_fused_nodes_belong_where_their_result_does():
    """What the runtime calls Relu_9_out_nchwc is a convolution with node 9 folded into it. The first run is skipped."""
    starts = [(0, "stem"), (8, "cell")]
    events = [{"cat": "Node", "name": f"{name}_kernel_time", "dur": dur, "args": {"op_name": kind}}
              for dur_of in (1000, 10, 30) for name, kind, dur in
              (("Conv_2_out_nchwc", "Conv", dur_of), ("Relu_9_out_nchwc", "Conv", 2 * dur_of),
               ("ReorderOutput_token_25", "ReorderOutput", dur_of))]
    found = _summed([*events, {"cat": "Session", "name": "model_run", "dur": 5}], starts, 1)
    assert [(t.block, t.ms) for t in found] == [("stem", 0.02), ("cell", 0.04), (UNKNOWN, 0.02)]
    assert by_block(found) == {"stem": (1, 0.02), "cell": (1, 0.04), UNKNOWN: (1, 0.02)}
    assert [t.block for t in _summed(events, [], 0)] == [ALL, ALL, UNKNOWN]
    assert [block_of_node(starts, number) for number in (0, 7, 8, 99)] == ["stem", "stem", "cell", "cell"]


def test_a_delivered_file_says_which_nodes_are_of_which_block(tmp_path):
    """NAS-Bench-201 with one cell a stage: stem, cell, reduction, cell, reduction, cell, head = blocks 0 to 6; the stem
    has one convolution, a reduction three, this cell two, the last of which is added to its input: a cell that ended in
    a convolution would take up the head's batch norm, and the two would be the head's."""
    torch.manual_seed(0)
    space = load_space("nasbench201")
    arch = space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_3x3~1|none~2|")
    network = with_random_statistics(space.build(arch, 10, 1, channels=4, cells=1))
    path = export_onnx(network, tmp_path / "m.onnx", (1, 8, 8), blocks=True)
    model = onnx.load(path)
    starts = json.loads({p.key: p.value for p in model.metadata_props}[BLOCKS])
    assert [name for _, name in starts] == [f"blocks.{number}" for number in range(7)]
    convolutions = [block_of_node(starts, number) for number, node in enumerate(model.graph.node)
                    if node.op_type == "Conv"]
    assert convolutions == [f"blocks.{number}" for number, count in enumerate((1, 2, 3, 2, 3, 2)) for _ in range(count)]
    times = operator_times(path, load_device("local-cpu"), runs=5)
    assert set(by_block(times)) - {UNKNOWN} == {name for _, name in starts}
    assert sum(t.kind == "Conv" for t in times) >= len(convolutions)
    assert np.isfinite([t.ms for t in times]).all()


def test_times_are_taken_here(tmp_path):
    with pytest.raises(UserError, match="raspi4 is another device; choose local-cpu"):
        operator_times(tmp_path / "m.onnx", load_device("raspi4"))
