"""`dcanas.feasibility` and `dcanas.score`: answers without a run."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tiny_run import TINY

import dcanas
from dcanas.api.request import make_request
from dcanas.basics.keys import plain
from dcanas.cli.compose import configure
from dcanas.costs import linear_counts
from dcanas.costs.members import member_choices
from dcanas.pipeline.configure import composed, configured
from dcanas.spaces import load_space

SKELETON = {"space": TINY["space"]}
ARCHITECTURES = ["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|skip_connect~2|",
                 "|skip_connect~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2|"]


def test_feasibility_counts_the_members_within_the_budget_and_keeps_nothing(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = dcanas.feasibility(digits, budget={"params": "8k"}, settings=SKELETON)["local-cpu"]
    space = load_space("nasbench201")
    params = linear_counts(space, (1, 8, 8), 7, channels=4, cells=1)["params"].values(member_choices(space))
    assert found.feasible
    assert found.share == (params <= 8000).mean()
    none = dcanas.feasibility(digits, budget={"params": 10}, settings=SKELETON)["local-cpu"]
    assert not none.feasible
    assert none.smallest == {"params": params.min()}
    assert dcanas.feasibility("digits", budget={}, settings=SKELETON)["local-cpu"].share == 1
    assert not list(tmp_path.iterdir())


def test_scores_of_architectures_by_name(tmp_path):
    space = load_space("nasbench201")
    rows = dcanas.score(ARCHITECTURES, ["params", "synflow"], directory=tmp_path / "scores",
                        settings={**SKELETON, "batch_size": 8})
    assert [row["architecture"] for row in rows] == ARCHITECTURES
    for row, text in zip(rows, ARCHITECTURES, strict=True):
        network = space.build(space.parse(text), 10, 1, channels=4, cells=1)
        assert row["count_params"] == sum(p.numel() for p in network.parameters())
        assert np.isfinite(row["synflow"])
        assert row["status"] == "ok"
    parsed = dcanas.score([space.parse(text) for text in ARCHITECTURES], ["params"], directory=tmp_path / "parsed",
                          settings={**SKELETON, "batch_size": 8})
    assert [row["architecture"] for row in parsed] == ARCHITECTURES
    one = dcanas.score(ARCHITECTURES[1], ["params"], directory=tmp_path / "one",
                       settings={**SKELETON, "batch_size": 8})
    assert [row["count_params"] for row in one] == [rows[1]["count_params"]]


def test_scores_of_members_drawn_within_a_budget(digits, tmp_path):
    asked = {"budget": {"params": "8k"}, "seed": 1, "data": digits, "settings": {**SKELETON, "batch_size": 8}}
    rows = dcanas.score(4, "params", directory=tmp_path / "scores", **asked)
    assert len({row["architecture"] for row in rows}) == 4
    assert all(row["count_params"] <= 8000 for row in rows)
    assert [row["architecture"] for row in dcanas.score(4, "params", directory=tmp_path / "again", **asked)] == [
        row["architecture"] for row in rows]


def test_what_cannot_be_scored_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dcanas.UserError, match="n must be a whole number from 1"):
        dcanas.score(0)
    with pytest.raises(dcanas.UserError, match="did you mean 'synflow'"):
        dcanas.score(1, ["synflwo"])
    with pytest.raises(dcanas.UserError, match="conv_9x9"):
        dcanas.score(["|nor_conv_9x9~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|skip_connect~2|"])


def settings_of(**arguments):
    """Return the settings that a call asks for, as JSON types."""
    request = make_request(**{"data": "digits", **arguments})
    return plain(configured(*composed(request.choices, request.stated))[0])


def test_nested_and_dotted_settings_are_those_of_the_command():
    asked = {"search": {"epochs": 5}, "train.epochs": np.int64(3), "attack_images": None, "attacks": ("fgsm", "pgd"),
             "space": {"final_skeleton.cells": 1}}
    typed = ["search.epochs=5", "train.epochs=3", "attack_images=null", "attacks=[fgsm,pgd]",
             "space.final_skeleton.cells=1"]
    assert settings_of(settings=asked, train="debug") == plain(configure([*typed, "train=debug"])[0])


@pytest.mark.parametrize(("budget", "typed"), [
    (None, []), ({}, ["budget=none"]), ({"macs": "p30", "weight_bytes": "500 kB"},
                                        ["budget.macs=p30", "budget.weight_bytes='500 kB'"]),
    ({"local-cpu": {"latency_ms": "30 fps"}}, ["budget.local-cpu.latency_ms='30 fps'"])])
def test_budgets_are_those_of_the_command(budget, typed):
    assert settings_of(budget=budget) == plain(configure(typed)[0])


def test_a_folder_is_that_of_the_command(digits, tmp_path):
    folder = tmp_path / "photos"
    for name, image in zip("abab" * 3, digits[0], strict=False):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / name / f"{len(list(folder.rglob('*.png')))}.png")
    assert settings_of(data=folder) == plain(configure(["data=folder", f"data.root={folder}"])[0])
    with pytest.raises(dcanas.UserError, match="neither a folder nor the name of a data set"):
        settings_of(data=tmp_path / "nowhere")
