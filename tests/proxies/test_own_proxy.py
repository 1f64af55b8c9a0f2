"""Proxies from a file outside the package: the file of docs/add-a-proxy.md, alone and in another process."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pages import code_of

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.user_files import file_hash, forget_user_file, load_user_file
from dcanas.proxies import ProxyName, proxies, score_network
from dcanas.proxies.rank_aggregation import oriented
from dcanas.proxies.table import Scoring, read_table, score_many
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "spread.py"
    path.write_text(code_of("add-a-proxy"))
    module = load_user_file(path, "proxies.file")
    yield path
    forget_user_file(module)


def test_it_is_a_proxy_like_any_other(file):
    assert ProxyName.parse("spread").facts.labels
    assert proxies.texts()["spread"] == "Return the mean over layers of the standard deviation of dL/dw."
    arch = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|")
    net = SPACE.build(arch, channels=4, cells=1)
    images, labels = torch.randn(4, 3, 8, 8), torch.arange(4)
    found = score_network(net, images, labels, ["spread", "grad_norm"])
    net.train()
    weights = [m.weight for m in net.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(net(images), labels), weights)
    expected = np.mean([g.std().item() for g in gradients])
    assert found["spread"].value == pytest.approx(expected, rel=1e-5)
    assert found["grad_norm"].ok
    assert oriented("spread", np.array([1.0])) == -1  # less is better, it says


def test_another_process_scores_with_it(file, tmp_path, monkeypatch):
    monkeypatch.setattr("dcanas.basics.fan_out.fan_out.WORTH_S", 0)  # none is scored in this process
    scoring = Scoring("nasbench201", ("spread",), np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32),
                      np.arange(4), skeleton={"channels": 4, "cells": 1})
    archs = [SPACE.sample(np.random.default_rng(seed)) for seed in range(2)]
    assert score_many(scoring, archs, tmp_path / "alone.jsonl") == 2
    assert score_many(scoring, archs, tmp_path / "two.jsonl", Engine(workers=2)) == 2
    alone, two = ({row["architecture"]: row["scores"] for row in read_table(tmp_path / name)[1]}
                  for name in ("alone.jsonl", "two.jsonl"))
    assert alone == two
    assert all(row["spread"] is not None for row in alone.values())


def test_a_table_of_an_earlier_form_is_refused(file, tmp_path):
    scoring = Scoring("nasbench201", ("spread",), np.zeros((4, 3, 8, 8), np.float32), np.arange(4))
    path = tmp_path / "scores.jsonl"
    score_many(scoring, [], path)
    assert json.loads(path.read_text())["own"] == [file_hash(file, "proxies.file")]
    file.write_text(file.read_text() + "\n# changed\n")
    module = load_user_file(file, "proxies.file")
    with pytest.raises(UserError, match=r"scores\.jsonl was made with own = "):
        score_many(scoring, [], path)
    forget_user_file(module)
