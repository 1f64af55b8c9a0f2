"""What TensorBoard is given beside scalars, and the comparison of a run with its repetition."""

from __future__ import annotations

import json

import pytest
from synthetic import make_run, write

from dcanas.report.events import write_events
from dcanas.report.record import read_run
from dcanas.report.reproduction import DIFFERENT, EQUAL, WITHIN, compared, reasons


def test_events_are_written_once_and_read_by_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record = read_run(make_run(tmp_path / "run"))
    path = write_events(record)
    assert path is not None
    before = path.read_bytes()
    assert write_events(record) == path
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    found = EventAccumulator(str(path.parent), size_guidance={"tensors": 0}).Reload()
    assert found.Scalars("result/local-cpu/test_accuracy")[0].value == pytest.approx(350 / 359)
    assert "_hparams_/session_start_info" in found.summary_metadata
    assert "custom_scalars__config__" in found.Tags()["tensors"]


def test_an_unfinished_run_has_none(tmp_path):
    assert write_events(read_run(make_run(tmp_path / "run", until="train"))) is None


def test_reproduction(tmp_path):
    first = make_run(tmp_path / "first")
    second = make_run(tmp_path / "second")
    for folder in (first, second):
        (folder / "derived/local-cpu/weights.pt").write_bytes(b"weights")
    lines = compared(read_run(first), read_run(second))
    assert {line.outcome for line in lines} == {EQUAL}
    path = second / "derived/local-cpu/certificate.json"
    certificate = json.loads(path.read_text())
    for row in certificate["rows"]:
        if row["name"] == "latency_ms":
            row["measured"] *= 1.05
        if row["name"] == "macs":
            row["measured"] += 1
    write(path, certificate)
    ending = json.loads((second / "run.json").read_text())
    ending["versions"]["torch"] = "2.12.0"
    write(second / "run.json", ending)
    (second / "derived/local-cpu/weights.pt").write_bytes(b"others")
    one, two = read_run(first), read_run(second)
    outcomes = {line.what: line.outcome for line in compared(one, two)}
    assert outcomes["latency_ms"] == WITHIN  # 5 % off, measured
    assert outcomes["macs"] == DIFFERENT  # one off, counted
    assert outcomes["weights"] == DIFFERENT
    assert outcomes["search"] == outcomes["architecture"] == EQUAL
    assert reasons(one, two)[0] == "torch: 2.11.0 before, 2.12.0 now"
