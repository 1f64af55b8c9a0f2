"""`int8=true` and devices that run int8: both files compared, one delivered, limits decided by the file itself."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from dcanas.basics.files import sha256_of
from dcanas.basics.resources import resource_folder
from dcanas.export import stored_weight_bytes
from dcanas.export.c99.host import host_answers, host_compiler
from dcanas.export.c99.layouts import add_exchange, add_makefile
from dcanas.hardware import load_device
from dcanas.hardware.microcontroller.proof import missing_tools
from dcanas.pipeline.quantise import _choice
from tests.hardware.microcontroller.pseudo_port import behind_a_pty


@pytest.mark.slow
def test_a_microcontroller_gets_the_int8_file_and_its_bytes_decide(dcanas, tiny, tmp_path):
    found = dcanas("run", "device=nano33ble", "budget.params=100000", "search.finalist_epochs=0",
                   f"run.dir={tmp_path}/run", *(text for text in tiny if "finalist_epochs" not in text))
    assert found.code == 0, found.err
    folder = tmp_path / "run/derived/nano33ble"
    certificate = json.loads((folder / "certificate.json").read_text())
    rows = {row["name"]: row for row in certificate["rows"]}
    stored = stored_weight_bytes(folder / "bundle/model.onnx")
    assert (rows["weight_bytes"]["measured"], rows["weight_bytes"]["limit"]) == (stored, None)
    assert stored <= rows["weight_bytes"]["predicted"] < 1.4 * stored  # counted before, never less than what is stored
    assert rows["peak_bytes"]["measured"] == rows["peak_bytes"]["predicted"]
    assert [rows[name]["met"] for name in ("weight_bytes", "peak_bytes", "params")] == [True, True, True]
    precision = certificate["precision"]
    assert (precision["delivered"], precision["decided_by"]) == ("int8", "nano33ble runs int8")
    fp32, int8 = precision["fp32"], precision["int8"]
    assert int8["peak_bytes"] * 4 == fp32["peak_bytes"]
    assert abs(int8["validation_accuracy"] - fp32["validation_accuracy"]) < 0.1
    assert "| accuracy on validation images |" in (folder / "certificate.md").read_text()
    with np.load(folder / "bundle/test.npz") as test:
        images, labels = test["images"], test["labels"]
    assert certificate["accuracy"]["n"] == len(labels)
    code = certificate["microcontroller"]
    assert {name: known for name, known in code["sha256"].items() if name != "network.elf"} == {
        path.name: sha256_of(path) for path in sorted((folder / "c99").iterdir())}
    limits = [rows[name]["limit"] for name in ("ram_bytes", "flash_bytes")]
    assert limits == [2**18, 2**20 - 2**16]  # Arduino's boot loader takes 64 KiB
    if missing_tools() or host_compiler() is None:
        assert code["not_proven"]
        return
    answers = host_answers(folder / "bundle", images).argmax(axis=1)
    assert certificate["accuracy"]["correct"] == (answers == labels).sum()
    assert code["emulated_images"] == len(labels)  # 359, less than 500
    for name in ("ram_bytes", "flash_bytes"):  # linked before training, and again afterwards
        assert rows[name]["predicted"] == rows[name]["measured"] == code[name]
        assert (rows[name]["source"], rows[name]["met"]) == ("linked", True)
    said = (folder / "certificate.md").read_text()
    assert f"{code['flash_bytes']:,} of 983,040 bytes of flash" in said
    _deployed(dcanas, tmp_path, folder)
    assert dcanas("verify", tmp_path / "run").code == 0
    (folder / "c99/network.c").write_text("")
    assert "network.c" in dcanas("verify", tmp_path / "run").out


def _deployed(dcanas, tmp_path, folder):
    """Without a port `dcanas deploy` says what to set; with the code behind one, images come back named."""
    found = dcanas("deploy", f"source={tmp_path / 'run'}", "device=nano33ble")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "nano33ble has no serial port in its profile; set connection: {serial: /dev/ttyACM0}" in found.err
    if importlib.util.find_spec("serial") is None:
        return
    shutil.copytree(folder / "c99", tmp_path / "c")
    add_exchange(tmp_path / "c")
    add_makefile(tmp_path / "c")
    subprocess.run(["make", "-s", "serve"], cwd=tmp_path / "c", check=True)
    profile = (resource_folder("hardware_profiles") / "nano33ble.yaml").read_text()
    (tmp_path / "devices").mkdir()
    with behind_a_pty([tmp_path / "c/serve"]) as port, pytest.MonkeyPatch.context() as patch:
        (tmp_path / "devices/nano33ble.yaml").write_text(re.sub("connection: null", f"connection: {{serial: {port}}}",
                                                                profile))
        patch.setenv("DCANAS_DEVICES", str(tmp_path / "devices"))
        found = dcanas("deploy", f"source={tmp_path / 'run'}", "device=nano33ble")
    assert found.code == 0, found.err
    assert "The board gives the same bytes as this machine for 16 of 16 images" in found.out
    assert "## Deployed to nano33ble (serial line /dev/pts/" in (folder / "certificate.md").read_text()


@pytest.mark.parametrize(("limit", "words"), [
    ("flash_bytes=9kB", "flash_bytes <= 9,000 B binds, its smallest feasible value is"),
    ("ram_bytes='1 KiB'", "ram_bytes <= 1,024 B binds, its smallest feasible value is"),
])
def test_a_microcontrollers_limit_below_the_smallest_network_is_named(dcanas, tiny, limit, words):
    found = dcanas("feasibility", "device=nano33ble", f"budget.{limit}", *tiny)
    assert found.code == 2
    assert words in found.err


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
