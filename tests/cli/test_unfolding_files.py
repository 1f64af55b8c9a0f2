"""Small files that say or become something huge: each is refused within 2 s and 500 MB, in one sentence."""

from __future__ import annotations

import gzip
import io
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dcanas.basics.errors import UserError
from dcanas.cli.c_code import _test_images
from dcanas.export import infer
from dcanas.hardware import load_device, profile_onnx
from dcanas.hardware.latency.strict_csv import LARGEST
from dcanas.hardware.latency.table_files import read_arrays
from dcanas.proxies.columns import read_columns
from dcanas.spaces import load_space
from dcanas.training.array_data import arrays
from dcanas.training.spec import DataSpec

HUGE = 2**40
STATUS = Path("/proc/self/status")


@contextmanager
def bounded():
    """Enclose what may take 2 s, and 500 MB beyond what the process had."""
    if not STATUS.exists():
        pytest.skip("reads the memory of this process in /proc")
    (STATUS.parent / "clear_refs").write_text("5")  # the largest memory so far is that of now
    before, start = most(), time.thread_time()
    yield
    assert time.thread_time() - start < 2
    assert most() - before < 500 << 10  # KiB


def most():
    return int(STATUS.read_text().partition("VmHWM:")[2].split()[0])


def network(path, shape, nodes=("Exp",), weight=None):
    """An ONNX file of a few hundred bytes."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    size = helper.make_tensor("size", TensorProto.INT64, [1], [HUGE])
    made = {"Exp": [helper.make_node("Exp", ["image"], ["y"])],
            "Mul": [helper.make_node("Mul", ["image", "w"], ["y"])],
            "ConstantOfShape": [helper.make_node("ConstantOfShape", ["size"], ["z"]),
                                helper.make_node("ReduceSum", ["z"], ["y"])],
            "Expand": [helper.make_node("ReduceSum", ["image"], ["q"]),
                       helper.make_node("Expand", ["q", "size"], ["z"]),
                       helper.make_node("ReduceSum", ["z"], ["y"])]}[nodes]
    weights = [size, *([weight] if weight is not None else [])]
    graph = helper.make_graph(made, "g", [image], [y], weights)
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)],
                                       ir_version=8).SerializeToString())
    return path


@pytest.mark.parametrize(("shape", "nodes"), [
    ([1, HUGE, 1, 1], "Exp"), ([1, 2**32, 1, 1], "Exp"), ([1, 1, 8, 8], "Mul"), ([1, 1, 8, 8], "ConstantOfShape"),
    ([1, 1, 8, 8], "Expand")])
def test_dimensions_of_an_onnx_file(dcanas, tmp_path, shape, nodes):
    weight = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[HUGE], raw_data=bytes(4))
    path = network(tmp_path / "n.onnx", shape, nodes, weight if nodes == "Mul" else None)
    assert dcanas("profile", f"onnx={tmp_path}/none.onnx").code == 2  # all that the command needs is imported
    with bounded():
        found = dcanas("profile", f"onnx={path}", "device=local-cpu")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert "numbers, more than the 268,435,456 that are run" in found.err


def test_a_board_refuses_it_too(tmp_path):
    path = network(tmp_path / "n.onnx", [1, HUGE, 1, 1], "Exp")
    with bounded(), pytest.raises(UserError, match=r"takes an input of 1,099,511,627,776 numbers, more than"):
        profile_onnx({"n": path}, load_device("local-cpu"), 0.02)


def archive(path, names, compressed=0):
    """An npz file whose headers say that each array has a terabyte, or that unfolds into so many zeros."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False,
                                                  "shape": (compressed or HUGE,)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            with made.open(f"{name}.npy", "w", force_zip64=True) as file:
                file.write(header.getvalue())
                for _ in range(compressed >> 20):
                    file.write(bytes(1 << 20))
    return path


@pytest.mark.parametrize("reader", [
    lambda path: read_arrays(path, 3),
    lambda path: infer.read_test(path.parent),
    lambda path: _test_images(path),
    lambda path: arrays(DataSpec("arrays", fingerprint="0"), path.parent)])
def test_headers_of_a_terabyte(tmp_path, reader):
    archive(tmp_path / "test.npz", ("images", "labels"))
    (tmp_path / "arrays-0.npz").write_bytes((tmp_path / "test.npz").read_bytes())
    with bounded(), pytest.raises((UserError, infer.InputError), match=r"damaged|not an npz file of plain arrays"):
        reader(tmp_path / "test.npz")


def test_zeros_in_the_copy_of_images_given_in_python(tmp_path):
    archive(tmp_path / "arrays-0.npz", ("train_images", "train_labels"), 40 << 20)
    assert (tmp_path / "arrays-0.npz").stat().st_size < 1 << 20
    with bounded(), pytest.raises(UserError, match="is missing or damaged"):
        arrays(DataSpec("arrays", fingerprint="0"), tmp_path)


def test_a_table_of_zeros_packed_by_gzip(tmp_path):
    path = tmp_path / "table.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range((LARGEST >> 20) + 1):
            file.write(bytes(1 << 20))
    assert path.stat().st_size < 2 << 20
    with bounded(), pytest.raises(UserError, match="MiB unfolded, which no table is"):
        read_columns(path, load_space("nasbench201"))
