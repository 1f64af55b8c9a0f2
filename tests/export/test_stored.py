"""Bytes in the file and live memory, against arithmetic and against memory walked through by hand."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dcanas.export import export_onnx, peak_live_bytes, stored_weight_bytes, with_random_statistics
from dcanas.spaces import load_space


def write(tmp_path, nodes, inputs, outputs, constants=()):
    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(nodes, "g", [value(*i) for i in inputs], [value(*o) for o in outputs],
                              [numpy_helper.from_array(array, name) for name, array in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path = tmp_path / "graph.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_stored_bytes_of_a_small_network(tmp_path):
    torch.manual_seed(0)
    network = with_random_statistics(nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(8, 5)))
    path = export_onnx(network, tmp_path / "small.onnx", (3, 6, 6))
    # 3x3 kernel 3 -> 8, the bias that batch norm became, 8 -> 5 matrix, its bias; Reshape's shape is none
    assert stored_weight_bytes(path) == 4 * (3 * 3 * 3 * 8 + 8 + 8 * 5 + 5)


def test_peak_of_a_chain_written_in_place(tmp_path):
    kernel = np.ones((4, 2, 1, 1), np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["b"]),
             helper.make_node("GlobalAveragePool", ["b"], ["c"])]
    path = write(tmp_path, nodes, [("x", [1, 2, 5, 5])], [("c", [1, 4, 1, 1])], [("w", kernel)])
    # conv: x 50 + a 100; relu in place: 100; pool: 100 + 4
    assert peak_live_bytes(path) == 4 * (50 + 100)


def test_the_image_is_not_overwritten(tmp_path):
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    path = write(tmp_path, nodes, [("x", [1, 10])], [("b", [1, 10])])
    assert peak_live_bytes(path) == 4 * (10 + 10)


def test_a_tensor_read_again_later_is_kept(tmp_path):
    nodes = [helper.make_node("MaxPool", ["x"], ["a"], kernel_shape=[1, 1]),
             helper.make_node("Relu", ["a"], ["b"]),  # a is still needed: a, b
             helper.make_node("Sigmoid", ["b"], ["c"]),  # in place: a, c
             helper.make_node("Softmax", ["c"], ["d"]),  # not elementwise: a, c, d
             helper.make_node("Add", ["a", "d"], ["e"])]  # in place
    path = write(tmp_path, nodes, [("x", [1, 1, 5, 5])], [("e", [1, 1, 5, 5])])
    assert peak_live_bytes(path) == 4 * 3 * 25


def test_reshape_is_another_name_and_broadcast_is_not_in_place(tmp_path):
    nodes = [helper.make_node("Softmax", ["x"], ["a"]), helper.make_node("Flatten", ["a"], ["b"]),
             helper.make_node("Relu", ["b"], ["c"]),  # writes into a's memory
             helper.make_node("Mul", ["c", "k"], ["d"])]  # (1, 8) x (3, 8): larger than its input
    path = write(tmp_path, nodes, [("x", [1, 2, 4])], [("d", [3, 8])], [("k", np.ones((3, 8), np.float32))])
    # softmax: 8 + 8; relu: 8; mul: 8 + 24; the constant does not count
    assert peak_live_bytes(path) == 4 * (8 + 24)


def test_peak_of_a_nasbench201_cell_by_hand(tmp_path):
    """Node 2 = conv(relu(x)); node 3 = pool(x) + conv(relu(node 2)). 4 x 8 x 8 = T values.

    relu(x): x, r = 2 T; conv: x, r, c = 3 T; pool: x, c, p = 3 T, then x dies; relu(c) in place; conv: p, c, o
    = 3 T; add in place. Reduction: x (the shortcut reads it later), its relu, the halved convolution at T / 2:
    2.5 T. The image (3 x 8 x 8) is gone after the stem.
    """
    space = load_space("nasbench201")
    arch = space.parse("|none~0|+|nor_conv_3x3~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|")
    network = with_random_statistics(space.build(arch, channels=4, cells=1))
    path = export_onnx(network, tmp_path / "cell.onnx", (3, 8, 8))
    assert peak_live_bytes(path) == 4 * 3 * (4 * 8 * 8)
