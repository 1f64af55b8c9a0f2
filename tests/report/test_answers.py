"""What a run answers to whoever decides: the words of every case."""

from __future__ import annotations

import json

import pytest
from synthetic import make_run, write

from dcanas.report.amounts import points, quantity
from dcanas.report.answers import answers, ship_lines
from dcanas.report.delivery import delivery
from dcanas.report.record import read_run


@pytest.mark.parametrize(("value", "unit", "beside", "text"), [
    (181434, "", (), "181 k"), (999_960, "", (), "1 M"), (1_353_344, "MAC", (), "1.35 M"),
    (0.04279, "ms", (), "42.8 µs"),
    (8.0, "ms", (), "8 ms"), (1200.0, "ms", (), "1.2 s"), (678_704, "B", (), "679 kB"), (359, "", (), "359"),
    (0, "", (), "0"), (None, "ms", (), "–"), (1_451_600, "MAC", (1_451_648,), "1.4516 M"),
    (1_451_648, "MAC", (1_451_600,), "1.45165 M"), (7.998, "ms", (8.0,), "7.998 ms"), (0.5, "mJ", (), "500 µJ")])
def test_one_notation(value, unit, beside, text):
    assert quantity(value, unit, beside) == text


@pytest.mark.parametrize(("difference", "text"), [(0.0123, "+1.2"), (-0.0123, "−1.2"), (-0.0001, "0.0")])
def test_points(difference, text):
    assert points(difference) == text


def compared(folder, recommended: str, **judged) -> dict[str, str]:
    """Return the answer about the rival of a run whose certificates say this of it."""
    derived = folder / "derived/local-cpu"
    searched = json.loads((derived / "certificate.json").read_text())
    both = {"baseline": {"name": "ResNet-8"}, "recommended": recommended,
            "validation_accuracy": {"searched": 0.95, "baseline": 0.96}, **judged}
    part = {key: searched[key] for key in ("rows", "accuracy", "sha256")}
    rival = {**searched, "which": "rival", "comparison": {**both, **part, "onnx": "../bundle/model.onnx",
                                                          "bundle": "../bundle"}}
    write(derived / "baseline/certificate.json", rival)
    write(derived / "certificate.json", {**searched, "comparison": {
        **both, **part, "onnx": "baseline/bundle/model.onnx", "bundle": "baseline/bundle"}})
    record = read_run(folder)
    return {each.name: f"{each.value}: {each.text}" for each in answers(record, record.devices[0])}


PAIRED = {"n": 289, "difference": -0.0311, "low": -0.0521, "high": -0.0102, "shown": True}
COST = {"name": "latency_ms", "unit": "ms", "searched": 2.0, "baseline": 1.5}


def test_the_rival_is_better(tmp_path):
    found = compared(make_run(tmp_path / "run"), "baseline", paired=PAIRED)
    assert found["ship"] == "ResNet-8, made by hand: derived/local-cpu/baseline/bundle/"
    assert found["rival"] == ("Yes, +3.1 points: over the searched network: +1.0 to +5.2 on 289 validation images, "
                              "95 % interval; so the rival is shipped")


def test_no_difference_is_shown(tmp_path):
    shown = {**PAIRED, "difference": 0.0035, "low": -0.012, "high": 0.019, "shown": False, "cost": COST}
    assert compared(make_run(tmp_path / "run"), "baseline", paired=shown)["rival"] == (
        "No difference is shown: to the searched network: −0.4 points (−1.9 to +1.2) on 289 validation images, 95 % "
        "interval; shipped for less latency, 1.5 ms against 2 ms")


@pytest.mark.parametrize(("p95", "remark", "words"), [
    (0.19, "", ""), (0.21, "", ": the machine was busy, as one run in twenty took 3 times the median or longer"),
    (4.0, "", ": the machine was busy, as one run in twenty took 62 times the median or longer"),
    (0.1, "The machine was too noisy: two repeats differ.", ": noisy, the certificate says why")])
def test_a_busy_machine_is_said(tmp_path, p95, remark, words):
    folder = make_run(tmp_path / "run")
    place = folder / "derived/local-cpu/certificate.json"
    content = json.loads(place.read_text())
    content["latency"] = {"median_ms": 0.065, "interval_ms": [0.06, 0.07], "p95_ms": p95, "n": 100, "remark": remark,
                          "repeat_difference": 0.01, "conditions": {}, "threads": 1, "onnxruntime": "1.31.1"}
    write(place, content)
    record = read_run(folder)
    found = next(each for each in answers(record, record.devices[0]) if each.name == "latency")
    assert found.text == f"median for one image, measured on local-cpu{words}"
    assert found.mood == ("open" if words else "")


def test_the_limits_decide(tmp_path):
    found = compared(make_run(tmp_path / "run"), "searched", paired=PAIRED, limits_decided=True)
    assert found["rival"].startswith("It alone keeps the limits: ResNet-8 does not; accuracy: −3.1 points")


def test_without_a_comparison_the_line_to_type_is_said_with_its_price(tmp_path):
    folder = make_run(tmp_path / "run")
    ending = json.loads((folder / "run.json").read_text())
    write(folder / "run.json", {**ending, "comparison_s": 540.0})
    record = read_run(folder)
    line = next(text for text in ship_lines(record) if text.startswith("  rival"))
    assert line == ("  rival      Not compared; to compare it with the best hand-made network, about 9 min, type: "
                    f"dcanas run source={folder} baseline=true")
    assert ship_lines(record)[0] == f"Ship the searched network: {folder / 'derived/local-cpu/bundle'}"
    assert delivery(record, record.devices[0]).which == "searched"


def test_limits_that_are_not_kept_and_not_verified(tmp_path):
    folder = make_run(tmp_path / "run", broken=True)
    record = read_run(folder)
    found = {each.name: each for each in answers(record, record.devices[0])}["limits"]
    assert (found.mood, found.value, found.text) == ("bad", "No: outside its limit of latency",
                                                         "latency up to 700 µs of 500 µs")
    path = folder / "derived/local-cpu/certificate.json"
    certificate = json.loads(path.read_text())
    for row in certificate["rows"]:
        if row["name"] == "latency_ms":
            row |= {"met": "unverified", "measured": None, "upper": None}
    write(path, certificate)
    record = read_run(folder)
    found = {each.name: each for each in answers(record, record.devices[0])}
    assert (found["limits"].mood, found["limits"].value) == ("open", "Not verified: latency")
    assert found["latency"].text.endswith("not measured")
