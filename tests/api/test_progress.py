"""Progress of a call: plain lines on the error output."""

from __future__ import annotations

import pytest

from dcanas.api import progress
from dcanas.basics.hooks import Hooks
from dcanas.hardware.transport.progress import report


def test_tables_are_aligned_and_stages_say_how_long_they_took(capsys):
    lines = progress.Lines()
    lines.table("Costs", ["cost", "limit"], [["params", "25,000"], ["macs", "–"]])
    with lines.stage("Search", stoppable=True) as hooks:
        hooks.message("  half of it")
    found = capsys.readouterr()
    assert found.out == ""
    *table, first, second, last = found.err.splitlines()
    assert table == ["Costs", "  cost    limit", "  params  25,000", "  macs    –"]
    assert (first, second) == ("Search ...", "  half of it")
    assert last.startswith("Search: ")
    assert last.endswith(" s")


@pytest.mark.parametrize(("seconds", "lines"), [(-1.0, 4), (1000.0, 2)])
def test_a_long_stage_says_how_far_it_is_now_and_then(capsys, monkeypatch, seconds, lines):
    monkeypatch.setattr(progress, "SECONDS", seconds)
    with progress.Lines().stage("Measure"):
        report(3, 8, "blocks of runs")  # of a measurement, many calls below
        report(4, 8, "blocks of runs")
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == lines
    assert lines == 2 or printed[1] == "  3 of 8 blocks of runs"


def test_what_progress_may_be():
    own = Hooks()
    assert progress.hooks_of(own) is own
    assert isinstance(progress.hooks_of(True), progress.Lines)
    assert type(progress.hooks_of(False)) is Hooks
