"""int8: what the quantised file is, what it stores, and that it computes the same network."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.costs import count_network
from dcanas.export import (
    as_floats,
    export_onnx,
    infer,
    onnx_predict,
    quantize_onnx,
    stored_weight_bytes,
    with_random_statistics,
)
from dcanas.export.classifier import Classifier, Normalise

RNG = np.random.default_rng(0)
IMAGES = np.kron(RNG.integers(0, 256, (48, 3, 4, 4)), np.ones((3, 3))).astype(np.uint8)  # 12 x 12, in patches


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.Conv2d(16, 24, 1, bias=False), nn.BatchNorm2d(24),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 5))
    return Classifier(Normalise([0.5] * 3, [0.25] * 3), with_random_statistics(layers)).eval()


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    source = export_onnx(network, folder / "model.onnx", (3, 12, 12), metadata={"classes": "abcde"})
    return source, quantize_onnx(source, folder / "int8.onnx", IMAGES[:32])


def test_weights_are_int8_per_channel_and_versions_stay(files):
    source, path = (onnx.load(file) for file in files)
    assert (path.ir_version, path.opset_import) == (source.ir_version, source.opset_import)
    assert list(path.metadata_props) == list(source.metadata_props)
    kernels = {t.name: numpy_helper.to_array(t) for t in path.graph.initializer}
    fed = {node.output[0]: node.input for node in path.graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in path.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 3
    for node in convolutions:
        values, scales, zeros = (kernels[name] for name in fed[node.input[1]])
        assert values.dtype == np.int8
        assert np.abs(values.astype(int)).max() == 64  # 7 bits: see below
        assert scales.shape == zeros.shape == (len(values),)  # one per output channel
        assert not zeros.any()
    assert [i.type.tensor_type.elem_type for i in (*path.graph.input, *path.graph.output)] == [1, 1]  # float32


def test_it_computes_the_same_network(files):
    """Rounding in four layers costs a few percent of the largest logit, on images not calibrated with. With weights of
    8 bits the first logit is off by 29 % on a processor without VNNI: sums of two products saturate at 16 bits."""
    floats = as_floats(IMAGES[32:])
    before, after = (onnx_predict(file, floats) for file in files)
    assert np.abs(before - after).max() < 0.05 * np.abs(before).max()
    assert np.abs(before - after).max() > 0


def test_weights_of_8_bits_are_finer_and_run_unfused(files, tmp_path):
    """Twice as many steps of a weight: about half the error. Such a file gives here what it gives in the standard's own
    interpreter, whatever the processor, and so it does in `infer.py`."""
    path = quantize_onnx(files[0], tmp_path / "model.onnx", IMAGES[:32], weight_bits=8)
    model, floats = onnx.load(path), as_floats(IMAGES[32:])
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert sum(v.dtype == np.int8 and v.size > 100 and np.abs(v.astype(int)).max() == 127 for v in stored.values()) == 4
    exact, coarse, fine = (onnx_predict(file, floats) for file in (*files, path))
    assert np.abs(fine - exact).mean() < 0.8 * np.abs(coarse - exact).mean()
    assert (infer.predict(infer.open_session(tmp_path), IMAGES[32:]) == fine).all()
    model.opset_import[0].version = 19  # the interpreter refuses scales per channel before
    evaluator, step = ReferenceEvaluator(model), stored[model.graph.node[-1].input[1]]
    for image, found in zip(floats[:3], fine[:3], strict=True):
        assert np.abs(evaluator.run(None, {"image": image[None]})[0] - found).max() <= 1.01 * step


def test_stored_bytes(network, files):
    """Kernels 3*16*9 + 16*9 + 16*24 + 24*5 = 1080 bytes; of 16 + 24 + 5 channels with a bias 4 + 1 + 4 + 4 + 4 bytes
    each; of 16 without one 4 + 1; mean and deviation of three channels as they are or
    smaller. Counted are 22 bytes per bias."""
    least = 1080 + 17 * (16 + 24 + 5) + 5 * 16
    assert least <= stored_weight_bytes(files[1]) <= least + 2 * 3 * 4
    assert stored_weight_bytes(files[1]) <= count_network(network, (3, 12, 12), "int8-file").weight_bytes + 2 * 3 * 4
    assert stored_weight_bytes(files[1]) < stored_weight_bytes(files[0])


def test_equal_inputs_give_equal_bytes(files, tmp_path):
    again = quantize_onnx(files[0], tmp_path / "again.onnx", IMAGES[:32])
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(files[1].read_bytes()).digest()
    other = quantize_onnx(files[0], tmp_path / "other.onnx", IMAGES[:2] // 4)  # the images decide the ranges
    assert other.read_bytes() != files[1].read_bytes()


@pytest.mark.parametrize(("images", "words"), [
    (IMAGES[:0], r"at least one, got \(0, 3, 12, 12\)"), (IMAGES[:4, :, :8], r"of shape \(3, 12, 12\) \(C, H, W\)"),
    (IMAGES[0], r"got \(3, 12, 12\)"), (IMAGES[:2] * 1.0, r"must lie in \[0, 1\]"),
])
def test_images_it_cannot_calibrate_with(files, tmp_path, images, words):
    with pytest.raises(UserError, match=words):
        quantize_onnx(files[0], tmp_path / "q.onnx", images)
    assert not list(tmp_path.iterdir())


def test_an_opset_without_scales_per_channel_is_refused(files, tmp_path):
    model = onnx.load(files[0])
    del model.graph.node[:], model.graph.initializer[:], model.opset_import[:]
    model.graph.node.append(onnx.helper.make_node("Relu", ["image"], ["logits"]))
    model.opset_import.append(onnx.helper.make_opsetid("", 12))
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(UserError, match=r"int8 per channel needs ONNX opset 13 or newer, \S+ has 12; raise"):
        quantize_onnx(tmp_path / "old.onnx", tmp_path / "q.onnx", IMAGES[:2])
