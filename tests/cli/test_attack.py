"""`dcanas attack` and `robustness=true`: what is told, where it lands, and every bad input in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from dcanas.robustness import square


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def _onnx(path: Path, classes: int = 10, side: int = 8, bias: float = 0.0) -> Path:
    """Write a linear classifier."""
    weights = np.random.default_rng(0).normal(size=(side * side, classes)).astype(np.float32)
    tensors = [numpy_helper.from_array(weights, "w"),
               numpy_helper.from_array(np.full(classes, bias, np.float32), "b")]
    nodes = [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["product"]),
             helper.make_node("Add", ["product", "b"], ["logits"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("image", 1, [1, 1, side, side])],
                              [helper.make_tensor_value_info("logits", 1, [1, classes])], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_attacks_are_added_to_the_certificate_and_never_repeated(dcanas, run, tmp_path, monkeypatch):
    monkeypatch.setitem(square.__kwdefaults__, "queries", 300)
    asked = ("attack", f"source={run}", "attacks=[fgsm,square]", "eps_255=20", "attack_images=4",
             "run.progress=plain", f"onnx={_onnx(tmp_path / 'int8.onnx')}")
    settings = (run / "settings.yaml").read_bytes()
    answer = dcanas(*asked)
    assert answer.code == 0, answer.err
    certificate = json.loads((run / "certificate.json").read_text())
    (found,) = certificate["robustness"]
    (result,) = found["results"]
    assert found["n"] == 10  # the least: one image of every class
    assert result["eps"] == 20 / 255
    falling = [result["clean"]["correct"], *(a["correct"] for a in result["attacks"])]
    assert falling == sorted(falling, reverse=True)
    assert result["worst_case"]["correct"] == falling[-1]
    assert (found["delivered"], [f["file"] for f in found["files"]]) == ("model.onnx", ["int8.onnx"])
    (other,) = found["files"][0]["results"]  # Square on another file gets what withstood
    assert other["worst_case"]["correct"] <= result["worst_case"]["correct"]
    assert other["worst_case"]["n"] == found["n"]
    low, high = found["corruptions"]["interval"]
    assert 0 <= low <= found["corruptions"]["mean"] <= high <= 1
    text = (run / "certificate.md").read_text()
    for told in ("| clean | 0 |", "| fgsm | 20 |", "| then square | 20 |", "| worst case | 20 |",
                 "| then square on int8.onnx | 20 |", "| 15 corruptions, mean |", "95 % interval",
                 "AutoAttack without FAB-T"):
        assert told in text, told
    assert (run / "settings.yaml").read_bytes() == settings
    assert json.loads((run / "derived/local-cpu/certificate.json").read_text())["robustness"] == [found]
    for name in ("fgsm", "square"):
        monkeypatch.setitem(__import__("dcanas.robustness", fromlist=["attacks"]).attacks._entries, name, None)
    again = dcanas(*asked)
    assert again.code == 0, again.err
    assert "Attack the network" not in again.out
    assert json.loads((run / "certificate.json").read_text()) == certificate
    assert dcanas("report", f"source={run}").code == 0


@pytest.mark.slow
def test_a_limit_on_robust_accuracy_is_judged_after_training(dcanas, finished, tmp_path):
    folder = tmp_path / "limited"
    answer = dcanas("run", f"source={finished}", "budget.params=p60", "budget.robust_accuracy_min=0.9",
                    "attacks=[fgsm]", "attack_images=20", "run.threads=1", "run.progress=plain", f"run.dir={folder}")
    assert answer.code == 0, answer.err
    certificate = json.loads((folder / "certificate.json").read_text())
    row = next(row for row in certificate["rows"] if row["name"] == "robust_accuracy_min")
    (found,) = certificate["robustness"]
    worst = found["results"][-1]["worst_case"]
    assert (row["limit"], row["measured"], row["lower"]) == (0.9, worst["accuracy"], worst["interval"][0])
    assert row["met"] is False  # twenty images after two epochs
    assert found["validation"][-1]["n"] <= 20
    text = (folder / "certificate.md").read_text()
    assert "The limit on robust accuracy, at least 90.0 %, is NOT shown to be met: at 25.5/255 in L∞" in text
    assert "Of the validation images, which the delivered network was trained on," in text
    assert "train=fast_at train.adversarial.eps_255=25.5" in text
    assert "No: outside its limit of robust accuracy" in answer.out
    assert certificate["budget"]["robust_accuracy_min"] == 0.9


@pytest.mark.parametrize(("change", "sentence"), [
    (["eps_255=-1"], "eps_255 must not be negative or infinite, got -1"),
    (["eps_255=0.0314"], "counts in 1/255 and would change no 8-bit image; if it is meant in [0, 1] units, give "
                         "eps_255=8.007"),
    (["eps_255=300"], "eps_255=300 is more than a pixel can change (255 in linf)"),
    (["eps_255=[]"], "eps_255 must name at least one size"),
    (["eps_255=big"], "eps_255 must be a number, got 'big'"),
    (["norm=l1"], "norm must be one of linf, l2, got 'l1'; did you mean 'l2'"),
    (["attacks=[pgdd]"], "Unknown attack 'pgdd'; did you mean 'pgd'"),
    (["attacks=[pgd,pgd]"], "Each attack needs a name of its own"),
    (["attack_images=0"], "attack_images must be a whole number from 1"),
    (["train.epochs=3"], "takes the run in"),
    (["run.dir=elsewhere"], "leave run.dir out"),
    (["onnx=missing.onnx"], "onnx=missing.onnx cannot be read"),
])
def test_what_cannot_be_asked(dcanas, finished, hashes, change, sentence):
    before = hashes(finished)
    answer = dcanas("attack", f"source={finished}", "attack_images=4", "attacks=[fgsm]", "run.progress=none", *change)
    assert answer.code == 2, answer.out
    assert sentence in answer.err
    assert answer.err.count("\n") == 1
    assert hashes(finished) == before


@pytest.mark.parametrize(("options", "sentence"), [
    ({"bias": float("nan")}, "returns NaN or infinite logits"),
    ({"classes": 3}, "Labels must be from 0 to 2, for the model has 3 classes"),
    ({"side": 9}, "The network takes images of shape (1, 9, 9)"),
])
def test_files_that_cannot_be_judged(dcanas, run, tmp_path, options, sentence):
    answer = dcanas("attack", f"source={run}", "attacks=[square]", "eps_255=220", "attack_images=30",
                    "run.progress=none", f"onnx={_onnx(tmp_path / 'bad.onnx', **options)}")
    assert answer.code == 2, answer.out
    assert sentence in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["attack"], "name its directory with source=DIR"),
    (["run", "onnx=x.onnx"], "Unknown setting 'onnx'"),
    (["run", "budget.robust_accuracy_min=40"], "is a share between 0 and 1, such as 0.4 for 40 %, got 40"),
    (["run", "budget.robust_accuracy_min=p40"], "is a share between 0 and 1"),
])
def test_outside_a_run(dcanas, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    answer = dcanas(*arguments)
    assert answer.code == 2, answer.out
    assert sentence in answer.err
    assert not list(tmp_path.iterdir())
