"""A file of one image run for many at once gives what it gives image by image."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from dcanas.basics.errors import UserError
from dcanas.export import onnx_predict, quantize_onnx
from dcanas.export.batched import batched_predict


@pytest.fixture
def runs(monkeypatch):
    """Return how many images each run of a session got."""
    counts, run = [], onnxruntime.InferenceSession.run

    def counted(self, outputs, inputs, *rest):
        counts.append(len(next(iter(inputs.values()))))
        return run(self, outputs, inputs, *rest)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", counted)
    return counts


@pytest.mark.parametrize("kind", ["fp32", "int8"])
def test_the_same_logits_in_one_run(exported, tmp_path, runs, kind):
    images = exported.images.astype(np.float32) / 255
    path = exported.path if kind == "fp32" else quantize_onnx(exported.path, tmp_path / "int8.onnx", images)
    predict = batched_predict(path, images, threads=2)
    runs.clear()
    found = predict(images)
    assert runs == [24]
    assert predict(images[:1]).shape == (1, 7)
    np.testing.assert_allclose(found, onnx_predict(path, images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("operation", ["Concat", "ReduceMax"])
def test_where_images_would_mix_they_run_alone(tmp_path, runs, operation):
    """A network whose nodes insist on one image, and one that would take the largest over all of them."""
    image = helper.make_tensor_value_info("image", 1, [1, 1, 2, 2])
    logits = helper.make_tensor_value_info("logits", 1, [1, 4])
    constants = [numpy_helper.from_array(np.array([1, 4]), "shape"), numpy_helper.from_array(np.zeros(1, int), "axes"),
                 numpy_helper.from_array(np.ones((1, 4), np.float32), "ones")]
    flat = [helper.make_node("Reshape", ["image", "shape"], ["flat"])]
    rest = ([helper.make_node("Concat", ["flat", "ones"], ["wide"], axis=1),
             helper.make_node("MatMul", ["wide", "weight"], ["logits"])] if operation == "Concat" else
            [helper.make_node("ReduceMax", ["flat", "axes"], ["logits"], keepdims=1)])
    weight = numpy_helper.from_array(np.arange(32, dtype=np.float32).reshape(8, 4), "weight")
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(helper.make_graph([*flat, *rest], "g", [image], [logits], [*constants, weight]),
                                opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    images = np.random.default_rng(0).random((5, 1, 2, 2), dtype=np.float32)
    predict = batched_predict(path, images)
    runs.clear()
    np.testing.assert_array_equal(predict(images), onnx_predict(path, images))
    assert set(runs) == {1}


def test_other_images_are_refused(exported):
    images = exported.images.astype(np.float32) / 255
    predict = batched_predict(exported.path, images)
    with pytest.raises(UserError, match=r"takes images of shape \(3, 15, 15\) \(C, H, W\), got \(3, 9, 9\)"):
        predict(np.zeros((2, 3, 9, 9), np.float32))
    with pytest.raises(UserError, match=r"got \(3, 9, 9\)"):
        batched_predict(exported.path, np.zeros((2, 3, 9, 9), np.float32))
