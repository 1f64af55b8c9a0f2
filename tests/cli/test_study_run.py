"""Studies from the command line: `search=proxybo` and its rivals on a table and by training, `dcanas front`."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing

import pytest

from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
SMALL = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "run.threads=1", "run.progress=plain")


def worth(text: str) -> float:
    """3x3 convolutions are good, pooling is bad: the best member within any limit on params has no pooling."""
    return 50 + 5 * text.count("nor_conv_3x3") + 2 * text.count("nor_conv_1x1") - 3 * text.count("avg_pool")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "accuracy.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "accuracy"])
        writer.writerows((SPACE.format(arch), worth(SPACE.format(arch))) for arch in SPACE.members())
    return path


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize(("search", "more"), [
    ("proxybo", ("search.proxies=[params,macs]", "search.initial=5")), ("evolution", ())])
def test_the_best_trial_within_the_limits_is_taken(dcanas, tmp_path, table, search, more):
    asked = [*SMALL, f"search={search}", "search.evaluations=14", "search.objective=table", f"search.table={table}",
             "search.column=accuracy", *more]
    answer = dcanas("derive", *asked, f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    study = read(tmp_path / "run/search/study.json")
    derived = read(tmp_path / "run/derived/local-cpu/architecture.json")
    limits = read(tmp_path / "run/feasibility.json")["local-cpu"]["budget"]
    assert study["count"] == {"complete": 14}
    assert [row["values"] for row in study["trials"]] == [[worth(row["architecture"])] for row in study["trials"]]
    assert worth(derived["architecture"]) == max(row["values"][0] for row in study["trials"])
    assert all(derived["costs"][name]["value"] <= limit for name, limit in limits.items())
    tighter = derived["costs"]["params"]["value"] - 1
    again = dcanas("derive", f"source={tmp_path / 'run'}", f"budget.params={tighter:.0f}",
                   f"run.dir={tmp_path / 'again'}")
    assert again.code == 0, again.err
    other = read(tmp_path / "again/derived/local-cpu/architecture.json")
    assert other["costs"]["params"]["value"] <= tighter
    assert other["architecture"] in {row["architecture"] for row in study["trials"]}
    refused = dcanas("derive", f"source={tmp_path / 'run'}", "search.evaluations=15", f"run.dir={tmp_path / 'no'}")
    assert refused.code == 2
    assert "search.evaluations" in refused.err


@pytest.mark.slow
def test_a_front_is_what_no_other_trial_beats(dcanas, tmp_path, table):
    answer = dcanas("front", *SMALL, "search=nsga2", "search.front=[params]", "search.evaluations=24",
                    "search.population=8", "search.objective=table", f"search.table={table}", "search.column=accuracy",
                    f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    trials = [row["values"] for row in read(tmp_path / "run/search/study.json")["trials"]]
    front = read(tmp_path / "run/search/front.json")["front"]
    unbeaten = {(value, cost) for value, cost in trials
                if not any(v >= value and c <= cost and (v, c) != (value, cost) for v, c in trials)}
    assert {(row["accuracy"], row["params"]) for row in front} == unbeaten
    assert sum(row["knee"] for row in front) == 1
    assert (tmp_path / "run/search/front.svg").read_text().startswith("<?xml")
    assert "Hypervolume" in answer.out


@pytest.mark.parametrize(("arguments", "text"), [
    (["search=proxybo", "search.sampler=proxyboo"], "'proxyboo'; did you mean 'proxybo'?"),
    (["search=proxybo", "search.proxies=[synflw]"], "'synflw'; did you mean 'synflow'?"),
    (["search=bo", "run.storage=mysql://me@host/studies"], "The storage must be sqlite:///FILE or postgresql://"),
    (["search=bo", "run.storage=postgresql://me:secret@127.0.0.1:1/studies"], "cannot be reached"),
    (["search=bo", "search.objective=table"], "search.table must be stated"),
    (["search=bo", "search.evaluations=5"], "search.initial first trials must be at most"),
    (["search=bo", "budget.params=1"], "params"),
    (["search=nsga2", "search.front=[]"], "belong together"),
    (["search=bo", "run.workers=0"], "run.workers must be a whole number"),
])
def test_what_is_refused(dcanas, tmp_path, arguments, text):
    answer = dcanas("search", *SMALL, *arguments, f"run.dir={tmp_path / 'run'}")
    assert answer.code == 2, answer.out
    assert text in answer.err
    assert "secret" not in answer.err


def test_a_password_stands_in_no_file(dcanas, tmp_path):
    answer = dcanas("run", *SMALL, "search=random", "run.storage=postgresql://me:s3cret@127.0.0.1:1/studies",
                    "run.storage_patience_s=0", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"run.json", "settings.yaml", "report.html"} <= {path.name for path in files}
    assert not [path for path in files if b"s3cret" in path.read_bytes()]
    assert "s3cret" not in answer.out + answer.err


def test_a_shared_study_has_one_set_of_settings(dcanas, tmp_path, table):
    asked = [*SMALL, "search=random", "search.evaluations=12", "search.objective=table", f"search.table={table}",
             "search.column=accuracy", "name=shared", f"run.storage=sqlite:///{tmp_path / 'study.db'}"]
    assert dcanas("search", *asked, f"run.dir={tmp_path / 'one'}").code == 0
    joined = dcanas("search", *asked, f"run.dir={tmp_path / 'two'}")
    assert joined.code == 0, joined.err
    assert read(tmp_path / "two/search/study.json") == read(tmp_path / "one/search/study.json")
    fewer = dcanas("search", *asked, "search.evaluations=11", f"run.dir={tmp_path / 'three'}")
    assert fewer.code == 2
    assert "evaluations: 12 there, 11 asked" in fewer.err
    more = dcanas("search", *asked, "search.evaluations=14", f"run.dir={tmp_path / 'four'}")
    assert more.code == 0, more.err
    trials = read(tmp_path / "four/search/study.json")["trials"]
    assert len(trials) == 14
    assert trials[:12] == read(tmp_path / "one/search/study.json")["trials"]


@pytest.mark.slow
@pytest.mark.parametrize("search", ["random", "proxybo"])
def test_more_trials_in_the_same_place_are_those_of_a_study_asked_for_all(dcanas, tmp_path, table, search):
    own = ["search.proxies=[params]", "search.initial=4"] if search == "proxybo" else []
    asked = [*SMALL, f"search={search}", "search.objective=table", f"search.table={table}", "search.column=accuracy",
             *own]
    first = dcanas("derive", *asked, "search.evaluations=6", f"run.dir={tmp_path / 'run'}")
    assert first.code == 0, first.err
    before = (tmp_path / "run/search/study.json").read_text()
    more = dcanas("derive", *asked, "search.evaluations=9", f"run.dir={tmp_path / 'run'}")
    assert more.code == 0, more.err
    assert "goes on from the trials that were made before" in more.out
    assert (tmp_path / "run/search/study.json").read_text() == before  # nothing is overwritten
    (folder,) = (tmp_path / "run").glob("search-*")
    assert dcanas("derive", *asked, "search.evaluations=9", f"run.dir={tmp_path / 'whole'}").code == 0

    def rows(path):
        return [(row["architecture"], row["values"]) for row in read(path)["trials"]]

    assert rows(folder / "study.json") == rows(tmp_path / "whole/search/study.json")
    assert read(folder / "study.json")["trials"][:6] == json.loads(before)["trials"]
    fewer = dcanas("derive", *asked, "search.evaluations=6", f"run.dir={tmp_path / 'run'}")
    assert fewer.code == 2
    assert "search.evaluations: 9 there, 6 asked" in fewer.err


def test_seeds_on_one_storage_are_two_studies(dcanas, tmp_path, table):
    asked = [*SMALL, "search=random", "search.evaluations=5", "search.objective=table",
             f"search.table={table}", "search.column=accuracy", f"run.storage=sqlite:///{tmp_path / 'study.db'}",
             f"run.dir={tmp_path / 'runs'}"]
    answer = dcanas("search", *asked, "-m", "seed=0,1")
    assert answer.code == 0, answer.err
    with closing(sqlite3.connect(tmp_path / "study.db")) as database:
        names = [name for (name,) in database.execute("SELECT study_name FROM studies")]
    assert sorted(name.rpartition("-seed-")[2] for name in names) == ["0", "1"]
    found = [[row["architecture"] for row in read(path)["trials"]]
             for path in sorted((tmp_path / "runs").glob("*/search/study.json"))]
    assert len(found) == 2
    assert found[0] != found[1]


@pytest.mark.slow
def test_two_workers_train_what_is_proposed_the_whole_way(dcanas, tmp_path):
    answer = dcanas("run", *SMALL, "search=proxybo", "search.evaluations=6", "search.initial=4", "search.epochs=1",
                    "search.proxies=[synflow,params]", "search.batch_size=8", "run.workers=2", "train.batch_size=64",
                    "train.epochs=1", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    study = read(tmp_path / "run/search/study.json")
    assert study["count"] == {"complete": 6}
    assert len({row["architecture"] for row in study["trials"]}) == 6
    best = max(study["trials"], key=lambda row: row["values"][0])
    report = (tmp_path / "run/report.html").read_text()
    assert f"The best value, {best['values'][0]:.1f} %, is of trial {best['position'] + 1} of 6." in report
    assert "The pool was not recorded" not in report
