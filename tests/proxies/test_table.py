"""Tables of scores: stopped and continued, in parallel, and asked with other settings."""

from __future__ import annotations

import dataclasses
import json
import resource

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.hooks import Hooks
from dcanas.proxies.table import Scoring, columns, read_table, score_many
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
DRAW = np.random.default_rng(0)
SCORING = Scoring("nasbench201", ("params", "snip", "synflow"), DRAW.normal(size=(4, 3, 8, 8)).astype(np.float32),
                  np.arange(4), skeleton={"channels": 4, "cells": 1})
ARCHS = [SPACE.sample(DRAW) for _ in range(5)]


class Heard(Hooks):
    """Remembers how many networks were done at each report."""

    def __init__(self):
        self.done = []

    def progress(self, done, total, note=""):
        assert total == 5
        self.done.append(done)


def scores(path):
    return {row["position"]: row["scores"] for row in read_table(path)[1]}


def test_a_table_goes_on_where_it_was_cut(tmp_path):
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    assert score_many(SCORING, ARCHS, whole) == 5
    lines = whole.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(lines[:3]) + lines[3][:-20])  # two networks done, the third line cut off
    heard = Heard()
    assert score_many(SCORING, ARCHS, cut, hooks=heard) == 3
    assert heard.done == [3, 4, 5]
    assert scores(cut) == scores(whole)
    assert score_many(SCORING, ARCHS, whole) == 0
    assert set(scores(whole)) == set(range(5))


def test_rows_say_what_was_scored_and_what_failed(tmp_path):
    path = tmp_path / "table.jsonl"
    dead = SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    score_many(SCORING, [ARCHS[0], dead], path)
    header, rows, _ = read_table(path)
    assert header["names"] == ["params", "snip", "synflow"]
    assert [row["architecture"] for row in rows] == [SPACE.format(ARCHS[0]), SPACE.format(dead)]
    assert rows[1]["scores"]["synflow"] is None
    assert rows[1]["status"] == {"synflow": "nothing flows from the input to the output"}
    assert rows[0]["status"] == {}
    found = columns(rows[::-1], header["names"])
    assert list(np.isnan(found["synflow"])) == [False, True]
    assert found["params"][0] == rows[0]["scores"]["params"]


def test_other_settings_and_other_networks_are_refused(tmp_path):
    path = tmp_path / "table.jsonl"
    score_many(SCORING, ARCHS[:1], path)
    with pytest.raises(UserError, match="was made with seed = 0, asked for 1: choose another file"):
        score_many(dataclasses.replace(SCORING, seed=1), ARCHS[:1], path)
    with pytest.raises(UserError, match="was made with batch = "):
        score_many(dataclasses.replace(SCORING, images=SCORING.images + 1), ARCHS[:1], path)
    with pytest.raises(UserError, match="at position 0, asked for"):
        score_many(SCORING, ARCHS[1:], path)
    path.write_text(json.dumps({"some": "thing"}) + "\n")
    with pytest.raises(UserError, match="is not a table of scores"):
        score_many(SCORING, ARCHS, path)


@pytest.mark.slow
def test_two_processes_find_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("dcanas.basics.fan_out.fan_out.WORTH_S", 0)  # none is scored in this process
    alone, shared = tmp_path / "alone.jsonl", tmp_path / "shared.jsonl"
    score_many(SCORING, ARCHS, alone)
    assert score_many(SCORING, ARCHS, shared, Engine(workers=2)) == 5
    assert scores(shared) == scores(alone)


@pytest.mark.slow
@pytest.mark.thorough
def test_memory_does_not_grow_with_the_number_of_networks(tmp_path):
    """Peak memory after 50 networks, and 250 later: nothing is kept but the positions done."""
    rng = np.random.default_rng(1)
    names = ("wrcor", "grasp", "jacov", "nwot", "zen", "swap", "near")
    scoring = dataclasses.replace(SCORING, names=names)
    peaks = []
    for count, name in ((50, "few"), (250, "many")):
        score_many(scoring, (SPACE.sample(rng) for _ in range(count)), tmp_path / f"{name}.jsonl")
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    assert peaks[1] - peaks[0] < 20  # MiB
