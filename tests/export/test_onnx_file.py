"""The ONNX file: what is in it, what is not, and where it loads."""

from __future__ import annotations

import copy
import getpass
import hashlib
import resource
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.export import as_floats, check_parity, export_onnx, onnx_predict, quantize_onnx, with_random_statistics
from dcanas.spaces import load_space

OLD_RUNTIMES = ("1.14.1", "1.15.1")  # the device profile promises 1.14


def test_file_has_the_promised_form(exported):
    model = onnx.load(exported.path)
    assert model.ir_version == 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
              for value in (*model.graph.input, *model.graph.output)}
    assert shapes == {"image": [1, 3, 15, 15], "logits": [1, 7]}
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["classes"] == "a,b"
    assert metadata["architecture"].startswith("|nor_conv_3x3~0|")
    assert not model.functions
    assert [p.name for p in exported.path.parent.iterdir()] == ["model.onnx"]  # no external data beside it


def test_batch_norm_is_folded_into_convolutions(exported):
    kinds = [node.op_type for node in onnx.load(exported.path).graph.node]
    # stem 1, 4 in each of 3 cells, 3 in each of 2 reductions; only the head's batch norm has no convolution
    assert kinds.count("Conv") == 1 + 4 * 3 + 3 * 2
    assert kinds.count("BatchNormalization") == 1


def test_file_names_nothing_of_this_machine(exported):
    content = exported.path.read_bytes()
    places = [Path.cwd(), Path.home(), Path(__file__).parents[2], sysconfig.get_paths()["purelib"],
              Path(torch.__file__).parent, sys.prefix, exported.path.parent]
    for text in (*map(str, places), socket.gethostname(), ".py", "stack_trace", "site-packages"):
        if len(text) > 2:
            assert text.encode() not in content, text
    if len(getpass.getuser()) > 4:
        assert getpass.getuser().encode() not in content


def test_same_network_gives_the_same_bytes_and_is_not_touched(exported, tmp_path):
    network = copy.deepcopy(exported.network).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    metadata = {"classes": "a,b", "architecture": onnx.load(exported.path).metadata_props[0].value}
    again = export_onnx(network, tmp_path / "again.onnx", (3, 15, 15), metadata=metadata)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(exported.path.read_bytes()).digest()
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.fixture
def tiny():
    """Few operations, quickly exported, and a file of 20 kB."""
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(16, 256))


def test_export_says_nothing_on_the_screen(tiny, tmp_path, capfd):
    export_onnx(tiny, tmp_path / "quiet.onnx", (3, 15, 15))
    with pytest.raises(UserError, match=r"cannot be written in ONNX opset 17 \(the exporter offers 18\)"):
        export_onnx(tiny, tmp_path / "old.onnx", (3, 15, 15), opset=17)
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "old.onnx").exists()


def test_newer_opset_where_the_device_has_it(tiny, tmp_path):
    path = export_onnx(tiny, tmp_path / "new.onnx", (3, 15, 15), opset=19, ir_version=9)
    assert (onnx.load(path).opset_import[0].version, onnx.load(path).ir_version) == (19, 9)
    assert check_parity(tiny, path, np.zeros((2, 3, 15, 15)))["max_relative_logit_error"] < 1e-5


@pytest.mark.parametrize(("opset", "ir_version", "words"), [
    (99, 9, "opset 99 is unknown"), (18, 7, "opset 18 needs IR version 8 to"),
    (19, 8, "needs IR version 9 to"), (18, 1000, "got 1000"), (0, 8, "opset 0 is unknown"),
])
def test_impossible_versions_are_refused_before_the_export(exported, tmp_path, opset, ir_version, words):
    with pytest.raises(UserError, match=words):
        export_onnx(exported.network, tmp_path / "x.onnx", (3, 15, 15), opset, ir_version)


def test_an_earlier_file_survives_a_disk_that_is_full(tiny, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UserError, match="Could not write"):
            export_onnx(tiny, path, (3, 15, 15))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_as_if_trained_gives_every_convolution_its_own_bias(tmp_path):
    space = load_space("nasbench201")
    network = space.build(space.parse("|nor_conv_1x1~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"),
                          channels=2, cells=1)
    fresh = onnx.load(export_onnx(network, tmp_path / "fresh.onnx", (3, 8, 8)))
    varied = onnx.load(export_onnx(with_random_statistics(network), tmp_path / "varied.onnx", (3, 8, 8)))

    def biased(model):
        return sum(len(node.input) == 3 for node in model.graph.node if node.op_type == "Conv")

    convolutions = sum(node.op_type == "Conv" for node in varied.graph.node)
    assert biased(fresh) == 0
    assert biased(varied) == convolutions - 2  # the two shortcuts have no batch norm


@pytest.mark.slow
@pytest.mark.parametrize("version", OLD_RUNTIMES)
def test_file_runs_the_same_in_an_old_onnx_runtime(exported, tmp_path, version, old_runtime):
    """Verified: 1.15.1 on Python 3.11, 1.14.1 on Python 3.10 (it has no wheels for newer Pythons)."""
    python = old_runtime(version)
    np.save(tmp_path / "images.npy", as_floats(exported.images))
    code = ("import sys, numpy as np, onnxruntime\n"
            "session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])\n"
            "images = np.load(sys.argv[2])\n"
            "rows = [session.run(None, {'image': x[None]})[0] for x in images]\n"
            "np.save(sys.argv[3], np.concatenate(rows))\n"
            "print(onnxruntime.__version__)\n")
    int8 = quantize_onnx(exported.path, tmp_path / "int8.onnx", exported.images)
    for path, tolerance in ((exported.path, 1e-4), (int8, 0.05)):  # int8: versions round differently
        done = subprocess.run([str(python), "-c", code, str(path), str(tmp_path / "images.npy"),
                               str(tmp_path / "logits.npy")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == version
        expected, found = onnx_predict(path, as_floats(exported.images)), np.load(tmp_path / "logits.npy")
        assert (np.abs(expected - found).max(axis=1) / np.abs(expected).max(axis=1)).max() < tolerance
