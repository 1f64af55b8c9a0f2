"""A password in the address of a shared study stands in no file of a run and in no line of the terminal."""

from __future__ import annotations

import csv

import pytest
from postgres import database

from dcanas.spaces import load_space

SPACE = load_space("nasbench201")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from database(tmp_path_factory.mktemp("postgres"))


@pytest.mark.slow
@pytest.mark.parametrize("password", ["s3cret", "s3/cr#et?"], ids=["plain", "signs"])
def test_a_whole_run_keeps_it(dcanas, tmp_path, server, password):
    """Certificate, report, log, settings, the page, events: every file is searched; so is what a lost server prints."""
    table = tmp_path / "table.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("architecture", "accuracy"), *((SPACE.format(arch), len(SPACE.format(arch)) % 7)
                                                                   for arch in SPACE.members())])
    address = server.replace("postgres@", f"postgres:{password}@")
    asked = ["run", "space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "run.threads=1", "search=random",
             "search.evaluations=12", "search.objective=table", f"search.table={table}", "search.column=accuracy",
             "train.epochs=1", f"name=kept{len(password)}", f"run.storage='{address}'", f"run.dir={tmp_path / 'run'}"]
    answers = [dcanas(*asked), dcanas(*asked, f"run.storage='postgresql://me:{password}@127.0.0.1:1/no'")]
    assert answers[0].code == 0, answers[0].err
    said = [answer.out + answer.err for answer in answers]
    said += [path.read_bytes().decode("utf-8", "replace") for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(said) > 20
    assert not any(password in text or "s3" + password[2:4] in text for text in said)
