"""The log of scalars: each once, however often a run is started."""

from __future__ import annotations

import json

import pytest

from dcanas.report.metrics import MetricsLog


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_rows_and_events(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = MetricsLog(tmp_path)
    log.write("search", 9, {"epoch": 1, "loss": 2.5, "note": "text"})
    log.write("train/local-cpu", 23, {"epoch": 1, "loss": 1.5})
    log.close()
    assert lines(tmp_path) == [{"stage": "search", "step": 9, "epoch": 1, "loss": 2.5, "note": "text"},
                               {"stage": "train/local-cpu", "step": 23, "epoch": 1, "loss": 1.5}]
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert sorted(events.Tags()["scalars"]) == ["search/loss", "train/local-cpu/loss"]
    (scalar,) = events.Scalars("search/loss")
    assert (scalar.step, scalar.value) == (9, 2.5)


def test_a_run_that_goes_on_writes_nothing_twice(tmp_path):
    log = MetricsLog(tmp_path)
    for step in (1, 2):
        log.write("search", step, {"loss": step})
    log.close()
    again = MetricsLog(tmp_path)
    for step in (1, 2, 3):  # from the checkpoint before the last row
        again.write("search", step, {"loss": step})
    again.write("train", 1, {"loss": 7})  # another stage counts its own steps
    again.close()
    assert [(row["stage"], row["step"]) for row in lines(tmp_path)] == [
        ("search", 1), ("search", 2), ("search", 3), ("train", 1)]


@pytest.mark.parametrize("cut", ['{"stage": "search", "st', '{"stage": "search", "step": 2, "loss": 2}'])
def test_a_line_cut_off_is_written_again(tmp_path, cut):
    (tmp_path / "metrics.jsonl").write_text('{"stage": "search", "step": 1, "loss": 1}\n' + cut)
    log = MetricsLog(tmp_path)
    log.write("search", 2, {"loss": 2})
    log.close()
    assert lines(tmp_path) == [{"stage": "search", "step": 1, "loss": 1}, {"stage": "search", "step": 2, "loss": 2}]


def test_what_follows_a_damaged_line_is_written_again(tmp_path):
    (tmp_path / "metrics.jsonl").write_bytes(b'{"stage": "search", "step": 1, "loss": 1}\n\0\0\0\n{"stage": "a"}\n')
    log = MetricsLog(tmp_path)
    log.write("search", 2, {"loss": 2})
    log.close()
    assert [row["step"] for row in lines(tmp_path)] == [1, 2]


def test_nothing_is_made_before_the_first_row(tmp_path):
    MetricsLog(tmp_path / "run").close()
    assert not list(tmp_path.rglob("*.*"))
