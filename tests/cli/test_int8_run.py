"""`int8=true` and devices that run int8: both files compared, one delivered, limits decided by the file itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dcanas.export import stored_weight_bytes
from dcanas.hardware import load_device
from dcanas.pipeline.quantise import _choice


def test_a_microcontroller_gets_the_int8_file_and_its_bytes_decide(dcanas, tiny, tmp_path):
    found = dcanas("run", "device=nano33ble", "budget.params=100000", "search.finalist_epochs=0",
                   f"run.dir={tmp_path}/run", *(text for text in tiny if "finalist_epochs" not in text))
    assert found.code == 0, found.err
    folder = tmp_path / "run/derived/nano33ble"
    certificate = json.loads((folder / "certificate.json").read_text())
    rows = {row["name"]: row for row in certificate["rows"]}
    stored = stored_weight_bytes(folder / "bundle/model.onnx")
    assert (rows["weight_bytes"]["measured"], rows["weight_bytes"]["limit"]) == (stored, 2**20)
    assert stored <= rows["weight_bytes"]["predicted"] < 1.4 * stored  # counted before, never less than what is stored
    assert rows["peak_bytes"]["measured"] == rows["peak_bytes"]["predicted"]
    assert [rows[name]["met"] for name in ("weight_bytes", "peak_bytes", "params")] == [True, True, True]
    precision = certificate["precision"]
    assert (precision["delivered"], precision["decided_by"]) == ("int8", "nano33ble runs int8")
    fp32, int8 = precision["fp32"], precision["int8"]
    assert int8["peak_bytes"] * 4 == fp32["peak_bytes"]
    assert abs(int8["validation_accuracy"] - fp32["validation_accuracy"]) < 0.1
    with np.load(folder / "bundle/test.npz") as test:
        assert certificate["accuracy"]["n"] == len(test["labels"])
    assert "| accuracy on validation images |" in (folder / "certificate.md").read_text()


@pytest.mark.slow
@pytest.mark.thorough
def test_both_are_measured_side_by_side(dcanas, tiny, tmp_path):
    found = dcanas("run", "int8=true", f"run.dir={tmp_path}/run", *tiny)
    assert found.code == 0, found.err
    certificate = json.loads((tmp_path / "run/certificate.json").read_text())
    precision = certificate["precision"]
    chosen = precision[precision["delivered"]]
    rows = {row["name"]: row["measured"] for row in certificate["rows"]}
    assert rows["weight_bytes"] == chosen["weight_bytes"]
    other = "int8" if precision["delivered"] == "fp32" else "fp32"
    assert chosen["validation_correct"] >= precision[other]["validation_correct"]
    assert min(precision[name]["latency_ms"] for name in ("fp32", "int8")) > 0
    folder = tmp_path / "run/derived/local-cpu"
    measured = json.loads((folder / "int8_profiles.json").read_text())
    assert {name: p["median_ms"] for name, p in measured.items()} == {
        name: precision[name]["latency_ms"] for name in ("fp32", "int8")}


def entry(correct, latency, broken=()):
    return {"validation_correct": correct, "latency_ms": latency, "broken": list(broken)}


@pytest.mark.parametrize(("fp32", "int8", "chosen", "reason"), [
    (entry(90, 1.0), entry(89, 0.5), "fp32", "higher validation accuracy"),
    (entry(90, 1.0), entry(91, 3.0), "int8", "higher validation accuracy"),
    (entry(90, 1.0), entry(90, 0.5), "int8", "equal validation accuracy and less latency_ms"),
    (entry(90, 0.5), entry(90, 1.0), "fp32", "equal validation accuracy and less latency_ms"),
    (entry(90, 1.0, ["latency_ms"]), entry(80, 0.5), "int8", "it alone keeps every limit"),
    (entry(80, 0.5), entry(90, 1.0, ["latency_ms"]), "fp32", "it alone keeps every limit"),
    (entry(90, 3.0, ["latency_ms"]), entry(80, 2.0, ["latency_ms"]), "fp32",
     "neither keeps every limit; higher validation accuracy"),
])
def test_the_better_that_keeps_the_budget(fp32, int8, chosen, reason):
    assert _choice(load_device("local-cpu"), {"fp32": fp32, "int8": int8}) == (chosen, reason)
