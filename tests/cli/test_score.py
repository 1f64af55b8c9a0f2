"""`dcanas score`: which networks, into which table, judged by what; and everything that is refused."""

from __future__ import annotations

import csv
import gzip
from functools import partial

import numpy as np
import pytest
from scipy import stats

from dcanas.pipeline import rank_evaluation
from dcanas.proxies.rank_statistics import rank_statistics
from dcanas.spaces import load_space

SMALL = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "run.threads=1", "run.progress=plain",
         "batch_size=8")
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_one_network_with_its_costs_values_and_reasons(dcanas, tmp_path):
    answer = dcanas("score", *SMALL[:-1], "batch_size=3", f"architecture={CELL}", "names=[params,nwot,zico]",
                    f"run.dir={tmp_path}")
    assert answer.code == 0, answer.err
    (row,) = rows(tmp_path / "scores.csv")
    assert row["architecture"] == CELL
    assert float(row["params"]) * 1e6 == float(row["count_params"])
    assert np.isfinite(float(row["nwot"]))
    assert row["zico"] == ""
    assert row["status"] == "zico: needs at least 4 images, got 3"
    assert "higher" in answer.out


@pytest.fixture
def few_draws(monkeypatch):
    """Intervals from few draws; tests/proxies has their coverage."""
    monkeypatch.setattr(rank_evaluation, "rank_statistics", partial(rank_statistics, draws=50))


def test_a_sample_goes_on_and_is_judged_beside_its_costs(dcanas, tmp_path, tables, few_draws):
    """The table of judgements against scipy on the columns of the table of scores and the published accuracy."""
    asked = ("score", *SMALL, "n=12", "names=[synflow,plain]", "against=accuracy", "k=5", "device=raspi4",
             f"run.dir={tmp_path}")
    answer = dcanas(*asked)
    assert answer.code == 0, answer.err
    found = rows(tmp_path / "scores.csv")
    assert len({row["architecture"] for row in found}) == 12
    accuracy = {row["architecture"]: float(row["cifar10_test"]) for row in _published(tables)}
    values = [accuracy[row["architecture"]] for row in found]
    told = {row["score"]: row for row in rows(tmp_path / "against-accuracy.csv")}
    assert set(told) == {"synflow", "plain", "params", "macs", "raspi4.latency_ms"}
    for name, column, sign in (("synflow", "synflow", 1), ("plain", "plain", -1), ("params", "count_params", 1)):
        scores = [sign * float(row[column]) for row in found]
        assert float(told[name]["spearman"]) == pytest.approx(stats.spearmanr(scores, values).statistic)
        assert float(told[name]["kendall"]) == pytest.approx(stats.kendalltau(scores, values).statistic)
        assert float(told[name]["spearman_low"]) <= float(told[name]["spearman"])
    stored = (tmp_path / "scores.jsonl").read_text()
    lines = stored.splitlines(keepends=True)
    (tmp_path / "scores.jsonl").write_text("".join(lines[:6]) + lines[6][:20])  # cut off while the sixth was written
    again = dcanas(*asked)
    assert again.code == 0, again.err
    assert rows(tmp_path / "scores.csv")[:5] == found[:5]
    scored = ["architecture", "synflow", "plain"]
    assert [[r[k] for k in scored] for r in rows(tmp_path / "scores.csv")] == [[r[k] for k in scored] for r in found]


def _published(tables):
    with gzip.open(tables / "nasbench201_accuracy.csv.gz", "rt") as file:
        yield from csv.DictReader(file)


def test_a_sample_within_a_budget(dcanas, tmp_path):
    answer = dcanas("score", *SMALL, "n=6", "names=[params]", "budget.params=7000", f"run.dir={tmp_path}")
    assert answer.code == 0, answer.err
    assert max(float(row["count_params"]) for row in rows(tmp_path / "scores.csv")) <= 7000


def test_a_list_against_a_table_of_ones_own(dcanas, tmp_path, few_draws):
    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    codes = [space.format(space.sample(rng)) for _ in range(6)]
    (tmp_path / "codes.txt").write_text("# mine\n\n" + "\n".join(codes) + "\n")
    mine = "architecture,error\n" + "".join(f"{code},{i}\n" for i, code in enumerate(codes[:5]))
    (tmp_path / "mine.csv").write_text(mine)
    answer = dcanas("score", *SMALL, f"list={tmp_path / 'codes.txt'}", "names=[params]", "k=3",
                    f"against={tmp_path / 'mine.csv'}", f"run.dir={tmp_path / 'out'}")
    assert answer.code == 0, answer.err
    assert [row["architecture"] for row in rows(tmp_path / "out" / "scores.csv")] == list(dict.fromkeys(codes))
    (row, *_) = rows(tmp_path / "out" / "against-error.csv")
    assert row["networks"] == "5"


@pytest.mark.parametrize(("arguments", "text"), [
    ([], "Say which networks, by one of architecture='...', list=FILE, n=N, n=all or source=DIR; got none of them."),
    (["n=3", "list=x"], "got list= and n=."),
    (["n=0"], "n must be a whole number from 1, or all, got 0."),
    (["n=99999"], "nasbench201 has 9,444 members, asked for n=99,999"),
    (["n=all", "space=darts"], "darts is too large to be scored as a whole"),
    (["n=3", "names=[synflw]"], "Unknown proxy 'synflw'; did you mean 'synflow'?"),
    (["n=3", "names=[wrcor:cubic]"], "Unknown option of the proxy wrcor 'cubic'"),
    (["n=3", "batch_size=60000"], "fewer than the batch of 60000"),
    (["n=3", "images=noise"], "Unknown setting 'images'"),
    (["n=3", "against=acuracy"], "Unknown target (or CSV file) 'acuracy'; did you mean 'accuracy'?"),
    (["n=3", "against=latency"], "against=latency needs one device with a published table, device=NAME"),
    (["n=3", "against=none.csv"], "There is no table none.csv"),
    (["n=3", "space=darts", "against=accuracy"], "The published tables are of nasbench201, not darts"),
    (["n=3", "against=accuracy", "column=cifar10_tset"], "did you mean 'cifar10_test'?"),
    (["architecture=|nor_conv_3x3~0|"], "NAS-Bench-201"),
    (["architecture=x", "budget.params=1e5"], "A budget restricts what n= draws"),
    (["list=missing.txt"], "missing.txt cannot be read as a list of architectures"),
    (["n=3", "bacth_size=3"], "Unknown setting 'bacth_size'; did you mean 'batch_size'?"),
])
def test_what_is_refused(dcanas, tmp_path, monkeypatch, tables, arguments, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DCANAS_TABLES", str(tables))
    answer = dcanas("score", "run.threads=1", *arguments)
    assert answer.code == 2, answer.out
    assert answer.err.startswith("dcanas: ")
    assert answer.err.count("\n") == 1
    assert text in answer.err
    assert not list(tmp_path.iterdir())


def test_keys_of_score_are_no_settings_of_a_run(dcanas):
    answer = dcanas("run", "against=accuracy")
    assert answer.code == 2
    assert "Unknown setting 'against'" in answer.err


def test_a_batch_of_one_image_is_a_status(dcanas, tmp_path):
    answer = dcanas("score", *SMALL[:-1], "batch_size=1", f"architecture={CELL}", "names=[jacov,params]",
                    f"run.dir={tmp_path}")
    assert answer.code == 0, answer.err
    assert "needs at least 2 images, got 1" in answer.out
