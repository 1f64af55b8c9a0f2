"""Scores as functions of an architecture, and the files and initialisations they may come from."""

from __future__ import annotations

import dataclasses
import gzip
import math

import numpy as np
import pytest
import torch
from proxy_networks import small_network
from torch import nn

from dcanas.basics.errors import UserError
from dcanas.proxies import score_network
from dcanas.proxies.initialisation import INITIALISATIONS, initialise
from dcanas.proxies.score_sources import column_sources, network_sources
from dcanas.proxies.table import Scoring, score_architecture
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
DRAW = np.random.default_rng(0)
SCORING = Scoring("nasbench201", ("synflow", "plain"), DRAW.normal(size=(4, 3, 8, 8)).astype(np.float32), np.arange(4),
                  skeleton={"channels": 4, "cells": 1})
ARCH = SPACE.sample(DRAW)


def test_networks_as_sources_are_larger_where_better():
    sources = network_sources(SCORING)
    row = score_architecture(SCORING, SPACE, ARCH)["scores"]
    assert list(sources) == ["synflow", "plain"]
    assert sources["synflow"](ARCH) == row["synflow"]
    assert sources["plain"](ARCH) == -row["plain"]  # less of it is better
    with pytest.raises(UserError, match="Unknown source of scores 'synflw'; did you mean 'synflow'"):
        sources["synflw"]


def test_columns_as_sources(tmp_path):
    path = tmp_path / "mine.csv.gz"
    other = next(a for a in SPACE.members() if a != ARCH)
    path.write_bytes(gzip.compress(f"index,architecture,plain,mine\n0,{SPACE.format(ARCH)},3.5,7\n"
                                   f"1,{SPACE.format(other)},-1e8,\n".encode()))
    sources = network_sources(SCORING) | column_sources(SPACE, path, ["mine", "plain"])
    assert sources["mine"](ARCH) == 7
    assert sources["plain"](ARCH) == -3.5
    assert math.isnan(sources["plain"](other))  # the mark of a failure
    assert math.isnan(sources["mine"](other))
    assert "synflow" in sources
    with pytest.raises(UserError, match=r"Unknown column of mine\.csv\.gz 'mein'; did you mean 'mine'"):
        column_sources(SPACE, path, ["mein"])


@pytest.mark.parametrize(("content", "text"), [
    ("a,b\n1,2\n", "has no column architecture"),
    ("architecture,b\nnonsense,2\n", "line 2: "),
    ("", "has no column architecture"),
])
def test_files_that_are_no_tables(tmp_path, content, text):
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=text):
        column_sources(SPACE, path)


@pytest.mark.parametrize(("kind", "variance"), [
    ("kaiming", lambda fan_in, fan_out: 2 / fan_in), ("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    ("normal", lambda fan_in, fan_out: 1.0)])
def test_initialisations_have_the_published_variance(kind, variance):
    """A 3x3 convolution of 64 to 128 channels: 73,728 draws, so the variance is known to about a percent."""
    layer = nn.Conv2d(64, 128, 3)
    torch.manual_seed(0)
    initialise(layer, kind)
    assert float(layer.weight.var()) == pytest.approx(variance(64 * 9, 128 * 9), rel=0.03)
    assert not layer.bias.any()


def test_the_default_initialisation_changes_nothing_and_others_are_reproducible(batch):
    net, same = small_network(), small_network()
    initialise(net, "default")
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), same.parameters(), strict=True))
    layer = nn.Linear(8, 8)
    initialise(layer, "orthogonal")
    assert torch.allclose(layer.weight @ layer.weight.T, torch.eye(8), atol=1e-5)
    found = {kind: score_architecture(dataclasses.replace(SCORING, initialisation=kind), SPACE, ARCH)["scores"]
             for kind in INITIALISATIONS}
    assert len({row["synflow"] for row in found.values()}) == len(INITIALISATIONS)
    assert score_network(net, *batch, names=["params"])["params"].ok
