"""Several runs: names by what differs, a winner only if the intervals allow one, a table for other programs."""

from __future__ import annotations

import csv
import json
import math

import pytest
from shortcuts import undrawn
from synthetic import make_run, write

from dcanas.cli.main import main
from dcanas.report.compare import verdict_words, write_comparison
from dcanas.report.record import read_run
from dcanas.report.several import differing, minus, networks, run_names


@pytest.fixture
def runs(tmp_path):
    """Two runs whose seeds and learning rates differ; the second has 300 of 359 test images right in place of 350."""
    folders = [make_run(tmp_path / f"digits-{name}", seed=seed, train={"epochs": 12, "learning_rate": rate})
               for name, seed, rate in (("0a1b2c", 0, 0.1), ("3d4e5f", 1, 0.2))]
    path = folders[1] / "derived/local-cpu/certificate.json"
    certificate = json.loads(path.read_text())
    certificate["accuracy"] |= {"value": 300 / 359, "low": 0.793, "high": 0.870, "correct": 300}
    write(path, certificate)
    return folders


def test_runs_are_called_by_what_differs(runs):
    records = [read_run(folder) for folder in runs]
    assert differing(records) == {"seed": ["0", "1"], "train.learning_rate": ["0.1", "0.2"]}
    assert run_names(records) == ["seed=0", "seed=1"]  # one setting tells them apart
    assert run_names([records[0], read_run(make_run(runs[0].parent / "same"))]) == ["digits-0a1b2c", "same"]


def test_the_difference_by_hand(runs):
    """350 of 359 against 300 of 359, intervals 0.95 to 0.99 and 0.793 to 0.870 (Newcombe's formula)."""
    one, other = networks(["a", "b"], [read_run(folder) for folder in runs])
    value, low, high = minus(one, other)
    assert value == pytest.approx(50 / 359)
    assert low == pytest.approx(50 / 359 - math.hypot(350 / 359 - 0.95, 0.870 - 300 / 359))
    assert high == pytest.approx(50 / 359 + math.hypot(0.99 - 350 / 359, 300 / 359 - 0.793))


def test_a_winner_only_if_the_intervals_allow_one(runs):
    records = [read_run(folder) for folder in runs]
    mood, headline, sentence = verdict_words(networks(run_names(records), records))
    assert (mood, headline) == ("good", "Better: seed=0")
    assert "97.5 % against 83.6 % of seed=1, +13.9 points" in sentence
    twice = [records[0], read_run(make_run(runs[0].parent / "twin", train={"epochs": 6}, epochs=6))]
    mood, headline, sentence = verdict_words(networks(["one", "twin"], twice))
    assert (mood, headline) == ("open", "No difference that the intervals allow")
    assert "has the least latency" in sentence


def test_the_page_decides_first(runs, tmp_path):
    path = tmp_path / "comparison.html"
    with undrawn():
        assert write_comparison(runs, path) == []
    told = path.read_text(encoding="utf-8")
    assert told.index("Better: seed=0") < told.index('id="networks"') < told.index('id="settings"')
    settings = told[told.index('<section id="settings"'):].partition("</section>")[0]
    assert settings.count("<tr>") == 3  # a heading and the two settings that differ
    assert "−13.9 (" in told


def test_a_table_of_a_sweep(runs, tmp_path, capsys):
    path = tmp_path / "table.csv"
    assert main(["report", f"source={tmp_path}/digits-*", f"to={path}"]) == 0
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:2] == ["seed", "name"]
    assert [(row["seed"], row["name"], row["train.learning_rate"]) for row in rows] == [
        ("0", "seed=0", "0.1"), ("1", "seed=1", "0.2")]
    assert float(rows[1]["accuracy"]) == 300 / 359
    assert (rows[0]["which"], rows[0]["met"], rows[0]["limit.params"]) == ("searched", "yes", "190000.0")
    assert main(["report", f"source={tmp_path}/none-*", f"to={path}"]) == 2
    assert "finds no run directory" in capsys.readouterr().err
