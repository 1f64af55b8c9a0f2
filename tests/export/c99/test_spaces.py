"""Members of every space become C that answers as the ONNX standard's interpreter; their operators are listed here."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from dcanas.costs import count_architecture
from dcanas.export import export_onnx, quantize_onnx, with_random_statistics
from dcanas.export.c99 import write_c99
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.classifier import Classifier, Normalise
from dcanas.spaces import load_space
from tests.export.c99.reference import reference_bytes

MEMBERS = 20
MOST_MACS = 3e6  # the interpreter takes a minute for more
SKELETONS = {"darts": {"channels": 4, "cells": 3}, "nasbench201": {"channels": 4, "cells": 1}}
ALL = {"Add", "Conv", "Div", "Gemm", "ReduceMean", "Sub"}
OPERATORS = {
    "darts": ALL | {"AveragePool", "BatchNormalization", "Concat", "MaxPool", "Pad", "Relu", "Reshape"},
    "fbnet": ALL | {"Reshape", "Transpose"},
    "mbconv": ALL,
    "mobilenetv2": ALL | {"Reshape"},
    "nasbench201": ALL | {"AveragePool", "BatchNormalization", "Relu", "Reshape"},
    "resnet": ALL | {"Pad", "Reshape", "Slice"},
    "separable": ALL | {"Reshape"},
}


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.skipif(host_compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_random_members_hold_known_operators_and_answer_to_the_byte(name, tmp_path):
    """All members' operators; answers and arena of those that the interpreter runs in time."""
    torch.manual_seed(0)
    space, rng, skeleton = load_space(name), np.random.default_rng(0), SKELETONS.get(name, {})
    for number in range(MEMBERS):
        arch = space.prune(space.sample(rng))
        shape = space.input_shape(arch, (3, 32, 32), **skeleton)
        network = space.build(arch, 5, 3, **space.delivered_skeleton(skeleton))
        network = Classifier(Normalise([0.4, 0.5, 0.6], [0.2, 0.3, 0.25]), with_random_statistics(network)).eval()
        images = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
        path = quantize_onnx(export_onnx(network, tmp_path / "fp32.onnx", shape), tmp_path / "int8.onnx", images, 8)
        found = {node.op_type for node in onnx.load(path).graph.node} - {"QuantizeLinear", "DequantizeLinear"}
        assert found <= OPERATORS[name], number
        made = write_c99(path, tmp_path / "c")
        assert made.arena.bytes <= 1.05 * made.arena.lower_bound, number
        if count_architecture(space, arch, shape, 5, **skeleton).macs < MOST_MACS:
            assert (host_answers(tmp_path / "c", images[:1]) == reference_bytes(path, images[:1])).all(), number


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.skipif(host_compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("name", ["darts", "fbnet", "nasbench201", "resnet", "separable"])
def test_integers_alone_are_at_most_a_step_from_floats(name, tmp_path):
    """500 images in patches, two members of random weights: at most one step per logit, and the same answer but for
    0.2 %."""
    torch.manual_seed(0)
    space, rng, skeleton = load_space(name), np.random.default_rng(1), SKELETONS.get(name, {})
    for _ in range(2):
        arch = space.prune(space.sample(rng))
        while count_architecture(space, arch, (3, 32, 32), 5, **skeleton).macs > 4 * MOST_MACS:
            arch = space.prune(space.sample(rng))
        shape = space.input_shape(arch, (3, 32, 32), **skeleton)
        network = space.build(arch, 5, 3, **space.delivered_skeleton(skeleton))
        network = Classifier(Normalise([0.4, 0.5, 0.6], [0.2, 0.3, 0.25]), with_random_statistics(network)).eval()
        patches = rng.integers(0, 256, (500, 3, -(-shape[1] // 4), -(-shape[2] // 4)))
        images = np.kron(patches, np.ones((4, 4))).astype(np.uint8)[..., :shape[1], :shape[2]]
        exported = export_onnx(network, tmp_path / "fp32.onnx", shape)
        path = quantize_onnx(exported, tmp_path / "int8.onnx", images[:64], 8)
        answers = []
        for arithmetic in ("float", "integer"):
            write_c99(path, tmp_path / arithmetic, arithmetic)
            answers.append(host_answers(tmp_path / arithmetic, images).astype(int))
        assert np.abs(answers[0] - answers[1]).max() <= 1, space.format(arch)
        assert (answers[0].argmax(axis=1) == answers[1].argmax(axis=1)).mean() >= 0.998
