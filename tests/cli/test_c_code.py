"""`dcanas export to=c99`: from the command line to C files, and what it refuses."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from dcanas.cli.main import main
from dcanas.export.c99.host import host_compiler
from tests.export.c99.qdq import Qdq


@pytest.fixture
def run_folder(tmp_path):
    """What a run leaves of two devices' int8 networks."""
    made = Qdq((1, 6, 5))
    made.mean()
    for device in ("nano", "stm"):
        (tmp_path / "derived" / device / "bundle").mkdir(parents=True)
        onnx.save(made.model(), str(tmp_path / "derived" / device / "model.int8.onnx"))
        np.savez(tmp_path / "derived" / device / "bundle" / "test.npz", images=np.zeros((5, 1, 6, 5), np.uint8))
    return tmp_path


def test_a_run_becomes_c_with_a_selftest(run_folder, tmp_path, capsys):
    assert main(["export", f"source={run_folder}", "to=c99", "device=nano", f"out={tmp_path / 'c'}"]) == 0
    names = {"Makefile", "exchange.c", "exchange.h", "serve.c", "network.c", "network.h", "weights.c", "weights.h"}
    names |= {"selftest.c"} if host_compiler() else set()
    assert {path.name for path in (tmp_path / "c").iterdir()} == names
    # a table, a mean, a layer; the image's 30 bytes, aligned to 32, and the mean's 1, aligned to 4
    assert "3 steps; the arena takes 36 bytes, of which at least 36 are alive at once" in capsys.readouterr().out


def test_a_device_of_which_nothing_is_proven_says_so(run_folder, tmp_path, capsys):
    file = run_folder / "derived/nano/model.int8.onnx"
    assert main(["export", f"onnx={file}", "to=c99", "device=esp32s3", f"out={tmp_path / 'c'}"]) == 0
    assert "Not proven to fit: code for xtensa-lx7 is neither linked nor emulated by this project." in \
        capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / "c/network.c").exists()
    assert not (tmp_path / "c/proof.json").exists()


@pytest.mark.parametrize(("arguments", "words"), [
    (["to=c98"], "did you mean 'c99'?"),
    (["to=c99"], "needs either source=DIR, a finished run, or onnx=FILE"),
    (["to=c99", "source={run}"], "holds int8 networks for nano, stm; add device=NAME."),
    (["to=c99", "source={run}", "device=pi"], "holds no int8 network for pi (int8 networks there: nano, stm)"),
    (["to=c99", "onnx=missing.onnx"], "missing.onnx is not a readable ONNX file"),
    (["to=c99", "onnx=a.onnx", "layout=arduina"], "Unknown layout of the C files 'arduina'; did you mean 'arduino'?"),
    (["to=c99", "onnx={run}/derived/nano/model.int8.onnx", "arithmetic=fixed"], "Unknown arithmetic 'fixed'"),
    (["to=c99", "onnx={run}/derived/nano/model.int8.onnx", "frame=big"], "such as 320x240, got 'big'."),
    (["to=c99", "onnx={run}/derived/nano/model.int8.onnx", "frame=9x9"], "does not say how its images were made"),
])
def test_what_cannot_be_written_is_one_sentence(run_folder, capsys, arguments, words):
    assert main(["export", *(text.format(run=run_folder) for text in arguments)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
