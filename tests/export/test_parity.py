"""Parity between network and file, and running the file."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from dcanas.basics.errors import UserError
from dcanas.export import as_floats, check_parity, onnx_predict, open_session


def test_file_computes_what_the_network_computes(exported):
    result = check_parity(exported.network, exported.path, exported.images)
    assert result["n"] == 24
    assert result["top1_agreement"] == 1.0
    assert 0 <= result["median_relative_logit_error"] <= result["max_relative_logit_error"] < 1e-5


def test_floats_and_bytes_are_the_same_images(exported):
    floats = exported.images / 255
    assert check_parity(exported.network, exported.path, floats) == \
        check_parity(exported.network, exported.path, exported.images)


def test_onnx_own_interpreter_agrees(exported):
    images = as_floats(exported.images[:2])
    peer = ReferenceEvaluator(onnx.load(exported.path))
    expected = np.concatenate([peer.run(None, {"image": image[None]})[0] for image in images])
    np.testing.assert_allclose(onnx_predict(exported.path, images), expected, rtol=1e-4, atol=1e-5)


def test_threads_share_the_images_out_and_change_nothing(exported):
    images = as_floats(exported.images[:7])
    alone = np.concatenate([onnx_predict(exported.path, images[i:i + 1]) for i in range(7)])
    assert all(np.array_equal(onnx_predict(exported.path, images, threads), alone) for threads in (1, 3, 20))


def test_a_difference_is_reported_in_units_of_the_largest_logit(exported):
    network = copy.deepcopy(exported.network)
    with torch.no_grad():
        network.network.blocks[-1][-1].bias[3] += 0.5
    images = exported.images[:8]
    logits = network(torch.from_numpy(as_floats(images))).detach().abs().amax(dim=1)
    result = check_parity(network, exported.path, images)
    assert result["max_relative_logit_error"] == pytest.approx(float((0.5 / logits).max()), rel=1e-3)


def test_answers_that_differ_are_counted(exported):
    network = copy.deepcopy(exported.network)
    answers = onnx_predict(exported.path, as_floats(exported.images)).argmax(axis=1)
    with torch.no_grad():
        network.network.blocks[-1][-1].bias[0] += 1000  # now every answer is class 0
    assert check_parity(network, exported.path, exported.images)["top1_agreement"] == (answers == 0).mean()


def test_network_keeps_its_mode(exported):
    network = copy.deepcopy(exported.network).train()
    network.network.blocks[0].eval()
    check_parity(network, exported.path, exported.images[:2])
    assert network.training
    assert not network.network.blocks[0].training


def test_logits_that_are_not_finite_are_refused(exported):
    network = copy.deepcopy(exported.network)
    with torch.no_grad():
        network.network.blocks[-1][-1].bias[0] = float("nan")
    with pytest.raises(UserError, match="network gives logits that are not finite for 2 of 2 images"):
        check_parity(network, exported.path, exported.images[:2])


def test_wrong_images_get_one_sentence(exported):
    with pytest.raises(UserError, match=r"of shape \(3, 15, 15\) \(C, H, W\), got \(3, 16, 16\)"):
        onnx_predict(exported.path, np.zeros((2, 3, 16, 16), np.float32))
    with pytest.raises(UserError, match="no images"):
        onnx_predict(exported.path, np.zeros((0, 3, 15, 15), np.float32))
    with pytest.raises(UserError, match=r"must lie in \[0, 1\], got 0 to 255"):
        check_parity(exported.network, exported.path, exported.images.astype(float))


def test_files_that_do_not_load_get_the_runtimes_reason(exported, tmp_path):
    with pytest.raises(UserError, match="There is no ONNX file at"):
        open_session(tmp_path / "absent.onnx")
    (tmp_path / "cut.onnx").write_bytes(exported.path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"^ONNX Runtime \S+ cannot load \S+: Protobuf parsing failed\.$"):
        open_session(tmp_path / "cut.onnx")
    model = onnx.load(exported.path)
    model.ir_version = 99
    (tmp_path / "new.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=r"\S+new.onnx: Unsupported model IR version: 99, [^\n]*\d\.$"):
        open_session(tmp_path / "new.onnx")


def test_a_missing_provider_is_never_replaced(exported):
    with pytest.raises(UserError, match=r"has no QNNExecutionProvider; it offers .*CPUExecutionProvider"):
        open_session(exported.path, provider="QNNExecutionProvider")
