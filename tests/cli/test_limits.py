"""Limits with units on the command line: base units are stored, what is meant is told."""

from __future__ import annotations

import pytest

from dcanas.basics.errors import UserError
from dcanas.cli.compose import configure
from dcanas.pipeline.configure import composed, configured


def test_what_is_meant_is_told(dcanas, tiny, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = dcanas("feasibility", "budget.weight_bytes=500KiB", "budget.params=p45", "budget.macs=1.5 MFLOPs", *tiny)
    assert answer.code == 0, answer.err
    assert "budget.weight_bytes: 500KiB = 512,000 bytes (weights stored in the exported file)\n" in answer.out
    assert "budget.macs: 1.5 MFLOPs = 750,000 MACs (multiply-accumulates for one image" in answer.out
    assert answer.out.count("512,000") == answer.out.count("750,000") == 2  # told, and the limits of the table


@pytest.mark.parametrize(("typed", "name", "stored"), [
    ("budget.weight_bytes=500 kB", "weight_bytes", 500_000.0), ("budget.latency_ms=30fps", "latency_ms", 1000 / 30),
    ("budget.params=p45", "params", "p45"), ("budget.params=2e6", "params", 2e6), ("budget={macs: 0.5M}", "macs", 5e5),
    ("budget.local-cpu.latency_ms=0.008 s", "local-cpu.latency_ms", 8.0)])
def test_what_is_stored(typed, name, stored) -> None:
    settings, options = configure([typed])
    assert settings.budget == {name: stored}
    assert len(options.notes) == (typed[-1].isalpha() or typed.endswith("M}"))


def test_the_same_limit_in_two_units_is_the_same_run() -> None:
    assert configure(["budget.weight_bytes=500 kB"])[0].key == configure(["budget.weight_bytes=5e5"])[0].key


def test_limits_of_the_python_interface_may_have_units_too() -> None:
    made, _ = configured(*composed({}, {"budget.latency_ms": 8, "budget.weight_bytes": "500 kB"}))
    assert made.budget == {"latency_ms": 8.0, "weight_bytes": 500_000.0}
    with pytest.raises(UserError, match=r"limit on latency_ms must be .* of ms, or one with a unit \(us, ms, s, fps\)"):
        configured(*composed({}, {"budget.latency_ms": "500 kB"}))
