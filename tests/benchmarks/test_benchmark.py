"""The benchmark on published tables, against arithmetic on the tables themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.benchmarks.baselines import baselines
from dcanas.benchmarks.benchmark import add_file, add_run, evaluate
from dcanas.benchmarks.leaderboard import leaderboard
from dcanas.benchmarks.table_problem import make_problem
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
LIMITS = "edgegpu.latency_ms:5.312"


@pytest.fixture(scope="module", autouse=True)
def _tables(tables) -> None:
    """Everything here needs the published tables."""


def test_the_oracle_is_the_best_feasible_test_accuracy_of_the_table(accuracy_rows, tmp_path) -> None:
    """At the median edgegpu latency the published table's best is 94.09 %."""
    (row,) = evaluate(["largest_params"], [LIMITS], 1, tmp_path / "bench.jsonl")
    assert row["oracle"] == pytest.approx(94.09, abs=0.005)
    mine = next(r for r in accuracy_rows if r["architecture"] == row["architecture"])
    assert row["test"] == float(mine["cifar10_test"])
    assert row["regret"] == pytest.approx(row["oracle"] - row["test"])
    problem = make_problem(LIMITS)
    chosen = problem.index[SPACE.parse(row["architecture"]).choices]
    assert problem.sizes["params"][chosen] == problem.sizes["params"][problem.feasible].max()
    assert row["trainings"] == 0


def test_percentiles_are_those_of_the_published_column() -> None:
    """The median of the Jetson column is 5.312 ms (ConNAS's limit)."""
    assert make_problem("edgegpu.latency_ms:p50").budget["edgegpu.latency_ms"] == pytest.approx(5.312, abs=5e-4)


@pytest.mark.parametrize("name", [n for n in baselines if n not in ("evolution", "whole_table")])
def test_every_baseline_stays_within_two_limits_and_counts_its_trainings(name: str, tmp_path) -> None:
    (row,) = evaluate([name], ["edgegpu.latency_ms:p25+params:p50"], 1, tmp_path / "bench.jsonl")
    assert row["feasible"]
    assert row["trainings"] == (8 if name.endswith("_trained") else 0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seeds"), [("evolution", 8), ("whole_table", 1)])
def test_those_who_train_end_near_the_oracle(name: str, seeds: int, tmp_path) -> None:
    rows = evaluate([name], ["raspi4.latency_ms:p50"], seeds, tmp_path / "bench.jsonl")
    assert all(row["feasible"] for row in rows)
    assert sum(row["regret"] for row in rows) / seeds < 1.0


def test_what_is_stored_is_not_evaluated_again(tmp_path) -> None:
    ledger = tmp_path / "bench.jsonl"
    first = evaluate(["random"], [LIMITS], 3, ledger)
    text = ledger.read_text()
    ledger.write_text(text[:-20])  # the last line was cut off
    assert [r | {"seconds": 0} for r in evaluate(["random"], [LIMITS], 3, ledger)] == \
        [r | {"seconds": 0} for r in first]
    assert len(ledger.read_text().splitlines()) == 3
    stored = [json.loads(line) for line in ledger.read_text().splitlines()]
    stored[0]["test"] = 99.0
    ledger.write_text("".join(json.dumps(row) + "\n" for row in stored))
    assert evaluate(["random"], [LIMITS], 3, ledger)[0]["test"] == 99.0


def test_the_leaderboard_pairs_by_limits() -> None:
    """Regrets a: 1 and 3, b: 2 and 2 (means over seeds) on two limits; differences b - a are 1 and -1: mean 0 and,
    with t(0.975, 1) = 12.706 and a deviation of sqrt 2, an interval of +-12.706."""
    rows = [{"baseline": name, "limits": limits, "seed": seed, "regret": regret + shift, "feasible": True,
             "trainings": 0, "seconds": 0.0}
            for name, regrets in (("a", (1, 3)), ("b", (2, 2))) for limits, regret in zip("xy", regrets, strict=True)
            for seed, shift in ((0, -0.5), (1, 0.5))]
    first, second = leaderboard(rows, "a")
    assert {first.baseline, second.baseline} == {"a", "b"}
    b = first if first.baseline == "b" else second
    assert b.difference == pytest.approx(0)
    assert b.interval == pytest.approx((-12.706, 12.706), abs=1e-2)
    assert b.evaluated == 4


def test_a_file_of_ones_own_joins_and_what_it_answers_is_checked(tmp_path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from dcanas.benchmarks.baselines import best_of, baselines\n\n\n@baselines.add\n"
                    "def nwot_small(problem, rng):\n    return best_of(problem, -problem.sizes['params'], rng)\n\n\n"
                    "@baselines.add\ndef wild(problem, rng):\n    return 'me'\n")
    assert add_file(file) == ["nwot_small", "wild"]
    (row,) = evaluate(["nwot_small"], [LIMITS], 1, tmp_path / "bench.jsonl")
    assert row["feasible"]
    with pytest.raises(UserError, match=r"Baseline wild must return the index of a member, 0 to 9443, got 'me'"):
        evaluate(["wild"], [LIMITS], 1, tmp_path / "bench.jsonl")
    baselines.forget(baselines.module_of("wild"))
    file.write_text("x = 1\n")
    with pytest.raises(UserError, match="registers no baseline: decorate a function"):
        add_file(file)


def test_a_finished_search_competes_by_its_scores(tmp_path) -> None:
    """Scores that like 3x3 everywhere choose, where no limit forbids it, six of them."""
    (tmp_path / "mine" / "search").mkdir(parents=True)
    rows = np.log(np.full((6, 5), 0.1) + 0.5 * np.eye(5)[3]).tolist()
    (tmp_path / "mine" / "search" / "scores.json").write_text(json.dumps({"scores": rows}))
    name = add_run(tmp_path / "mine")
    (row,) = evaluate([name], ["params:2e6"], 1, tmp_path / "bench.jsonl")
    assert row["architecture"].count("nor_conv_3x3") == 6
    baselines.forget(add_run.__module__)
    with pytest.raises(UserError, match="holds no finished search"):
        add_run(tmp_path)


@pytest.mark.parametrize(("limits", "message"), [
    ("edgegpu.latency:p50", r"A limit is COST:NUMBER or COST:p1 to COST:p99 with a cost among params, macs, edgegpu"),
    ("params:px", r"must be a number or a percentile"),
    ("params:10", r"Nothing in nasbench201 is within params:10"),
])
def test_limits_that_make_no_sense(limits: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_problem(limits)
