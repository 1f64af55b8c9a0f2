"""The page of a run: complete for what was done, one file, plain about how the run ended."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from shortcuts import undrawn
from synthetic import make_run, write

from dcanas.basics.errors import UserError
from dcanas.report.compare import write_comparison
from dcanas.report.front import Member, front
from dcanas.report.page import page
from dcanas.report.record import read_run
from dcanas.report.verdict import verdict

VOID = {"meta", "link", "img", "br", "input", "wbr"}


class Outline(HTMLParser):
    """Ids, figures without a text alternative, and elements that are not closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.silent: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.ids.append(values["id"])
        if (tag == "svg" and not (values.get("role") == "img" and values.get("aria-labelledby"))) \
                or (tag == "img" and not values.get("alt")):
            self.silent.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("synthetic") / "run")


@pytest.fixture
def no_drawing() -> Iterator[None]:
    """Figures with their titles and captions but without lines: `text` has them all."""
    with undrawn():
        yield


@pytest.fixture(scope="module")
def text(finished) -> str:
    return page(read_run(finished)).replace("\u00a0", " ")


def test_the_page_is_one_file(text):
    assert not re.search(r'src="(?!data:)', text)
    assert not re.search(r'href="(?:[a-z]+:(?<!data:)|/)', text)  # links lead to files beside the page alone
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert len(text.encode()) < 2_000_000


def test_the_page_is_well_formed_and_every_figure_has_words(text):
    outline = Outline(text)
    assert outline.unbalanced == []
    assert outline.open == []
    assert outline.silent == []
    assert sorted(outline.ids) == sorted(set(outline.ids))
    assert text.count("<svg") >= 10  # cell, network, limits, losses, collapse, alphas, pool, curves, confusion ...


@pytest.mark.parametrize("section", ["limits", "front", "network", "candidates", "training", "search", "latency",
                                     "repeat"])
def test_sections(text, section):
    assert f'<section id="{section}"' in text


def test_what_comes_from_users_is_escaped(text):
    assert "&lt;b&gt;8&lt;/b&gt;" in text  # the invented answer of a mistake
    assert "<b>8</b>" not in text


def test_axes_have_units(text):
    for label in ("loss (nats)", "accuracy (%)", "predicted (ms)", "added latency (µs)", "epoch",
                  "expected cost / limit", "validation accuracy (%)"):
        assert f">{label}</text>" in text, label


def test_the_same_run_gives_the_same_page(finished, text):
    assert page(read_run(finished)).replace("\u00a0", " ") == text


def test_the_source_of_a_latency_is_shown(tmp_path, text, no_drawing):
    assert "Before training:" not in text
    folder = make_run(tmp_path / "run")
    path = folder / "derived/local-cpu/certificate.json"
    certificate = json.loads(path.read_text())
    certificate["latency_from"] = {"latency_ms": "fitted to measurements", "energy_mj": "published table"}
    write(path, certificate)
    told = page(read_run(folder))
    latency = told[told.index('<section id="latency"'):].partition("</section>")[0]
    assert "Before training: latency from fitted to measurements, energy from published table." in latency
    del certificate["latency"]  # a device without a connection has a source, and no measurement
    write(path, certificate)
    (folder / "derived/local-cpu/latency.json").unlink()
    assert "Before training: latency from" in page(read_run(folder))


@pytest.mark.parametrize(("until", "headline", "there", "absent"), [
    ("feasibility", "Interrupted before the end of search", "What the budget leaves", "Alphas over the epochs"),
    ("search", "Interrupted before the end of derive", "Alphas over the epochs", 'id="network"'),
    ("derive", "Interrupted before the end of train", "The pool of candidates", 'id="training"'),
    ("train", "Interrupted before the end of export", "Confusion matrix", 'id="latency"'),
])
def test_an_interrupted_run(tmp_path, no_drawing, until, headline, there, absent):
    told = page(read_run(make_run(tmp_path / "run", until=until)))
    assert headline in told
    assert "goes on from there" in told
    assert there in told
    assert absent not in told
    assert Outline(told).unbalanced == []


def test_a_run_over_its_budget(tmp_path, no_drawing):
    record = read_run(make_run(tmp_path / "run", broken=True))
    assert verdict(record).headline == "Failed: the budget is not met"
    assert verdict(record).sentences == (
        "Delivered, but not within the limit: latency up to 700 µs of 500 µs on local-cpu.",)
    told = page(record)
    assert '<article class="card bad" data-answer="limits">' in told
    assert "No: outside its limit of latency" in told


def test_an_infeasible_run(tmp_path):
    folder = make_run(tmp_path / "run", until="feasibility")
    found = json.loads((folder / "feasibility.json").read_text())
    found["local-cpu"] |= {"feasible": False, "binding": ["params"], "smallest": {"params": 200_000.0}, "share": 0.0}
    write(folder / "feasibility.json", found)
    told = page(read_run(folder))
    assert "Infeasible: nothing meets the budget" in told
    assert "the limit of parameters is 190 k, and its smallest feasible value is 200 k" in told.replace("\u00a0", " ")


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(UserError, match="is not a run directory: there is no such folder"):
        read_run(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"is not a run directory: it has no settings\.yaml"):
        read_run(tmp_path)


def test_a_run_of_a_newer_version(tmp_path):
    folder = make_run(tmp_path / "run", until="feasibility")
    ending = json.loads((folder / "run.json").read_text())
    ending["versions"]["dcanas"] = "99.0"
    write(folder / "run.json", ending)
    with pytest.raises(UserError, match=r"was made by dcanas 99\.0, this is .*: install that version or a newer one"):
        read_run(folder)


@pytest.mark.parametrize(("part", "stage"), [
    ("search/scores.json", "search"), ("derived/local-cpu/train.json", "train"), ("feasibility.json", "feasibility")])
def test_missing_pieces(tmp_path, part, stage):
    folder = make_run(tmp_path / "run")
    (folder / part).unlink()
    with pytest.raises(UserError, match=f"is incomplete: {stage} has not run or its result was removed"):
        read_run(folder)


@pytest.mark.parametrize(("part", "content", "lacking"), [
    ("derived/local-cpu/certificate.json", {}, "lacks device, budget, rows, accuracy"),
    ("derived/local-cpu/architecture.json", {"architecture": "x"}, "lacks space, skeleton"),
    ("derived/local-cpu/architecture.json", {"space": 1, "architecture": "x", "skeleton": {}}, "space must be a text"),
    ("derived/local-cpu/train.json", "x", "it must be a dictionary"),
    ("search/scores.json", [1], "it must be a dictionary"), ("feasibility.json", [1], "it must be a dictionary")])
def test_files_that_no_stage_writes(tmp_path, part, content, lacking):
    folder = make_run(tmp_path / "run")
    write(folder / part, content)
    with pytest.raises(UserError, match=rf"{Path(part).name} is damaged: .*{lacking}"):
        read_run(folder)


def test_damaged_settings(tmp_path):
    folder = make_run(tmp_path / "run", until="feasibility")
    (folder / "settings.yaml").write_text("seed: [")
    with pytest.raises(UserError, match=r"settings\.yaml is damaged"):
        read_run(folder)


def test_front():
    members = [Member("", name, accuracy, {"macs": cost}) for name, accuracy, cost in (
        ("a", 0.5, 2.0), ("b", 0.4, 3.0), ("c", 0.8, 4.0), ("d", 0.8, 6.0))]
    assert [m.architecture for m in front(members, "macs")] == ["a", "c"]


def test_a_damaged_line_of_the_log_is_told(tmp_path):
    """A line cut off at the end is what a killed run leaves; before it, something went wrong."""
    folder = make_run(tmp_path / "run", until="search")
    (folder / "search/scores.json").unlink()
    log = folder / "metrics.jsonl"
    whole = log.read_text()
    log.write_text(whole + whole[:40])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = read_run(folder).search_rows
    assert len(rows) == 12
    log.write_text(whole + whole)
    assert read_run(folder).search_rows == rows  # every step once
    lines = whole.splitlines(keepends=True)
    log.write_text("".join([*lines[:3], "\x1b[31m" + lines[3], *lines[4:]]))
    with pytest.warns(UserWarning, match=r"metrics\.jsonl is damaged from line 4; what follows it is not shown"):
        assert read_run(folder).search_rows == rows[:3]


def test_comparison(tmp_path, finished):
    other = make_run(tmp_path / "other", seed=1, until="train")
    path = tmp_path / "comparison.html"
    assert write_comparison([finished, other], path) == ["other is not finished: export has not run."]
    told = path.read_text(encoding="utf-8")
    outline = Outline(told)
    assert outline.unbalanced == outline.silent == []
    assert sorted(outline.ids) == sorted(set(outline.ids))
    assert "<td>seed</td>" in told  # the one setting that differs
    with pytest.raises(UserError, match="at least two different runs"):
        write_comparison([finished, finished], path)


def test_comparison_of_different_spaces(tmp_path, finished, no_drawing):
    other = make_run(tmp_path / "other", until="search")
    settings = yaml.safe_load((other / "settings.yaml").read_text())
    settings["space"]["name"] = "darts"
    (other / "settings.yaml").write_text(yaml.safe_dump(settings))
    told = write_comparison([finished, other], tmp_path / "comparison.html")
    assert told[0] == ("The runs search different spaces (darts, nasbench201): accuracies and costs of the networks "
                       "are compared, alphas and decisions are not.")


@pytest.mark.slow
def test_a_long_run_stays_small(tmp_path):
    text = page(read_run(make_run(tmp_path / "run", epochs=300, candidates=1000)))
    assert len(text.encode()) < 2_000_000


def test_one_option_per_slot_leaves_nothing_to_choose_and_is_drawn():
    from dcanas.report.figures.searching import collapse

    figure = collapse([{"epoch": 1, "mixing": [[1.0], [1.0]], "alpha_entropy": 0.0}], [[False], [True]])
    (axis,) = figure.axes
    assert [line.get_ydata().tolist() for line in axis.lines] == [[50.0]]  # one of two has no parameters
