"""A constraint from a file outside the package: the file of docs/add-a-constraint.md."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pages import code_of
from recording import Recording

from dcanas.basics.errors import Stopped
from dcanas.basics.user_files import forget_user_file, load_user_file
from dcanas.costs import Budget, LinearCost, linear_counts
from dcanas.search import SearchSettings, search
from dcanas.search.gradient.constraint_registry import constraints
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data


@pytest.fixture(autouse=True)
def file(tmp_path):
    path = tmp_path / "responsive.py"
    path.write_text(code_of("add-a-constraint"))
    module = load_user_file(path, "search.file")
    yield path
    forget_user_file(module)


def test_its_penalty_answers_at_once_and_pulls_as_hard_as_it_weighs():
    """Two options of cost 1 and 3 at probabilities p: violation 3 - 2p - 1, of which the gradient in p is -2."""
    limits = constraints["responsive"]([LinearCost(0.0, ((1.0, 3.0),), "macs", "MAC")], Budget(macs=1), 0.5)
    p = torch.tensor([0.25, 0.75], dtype=torch.float64, requires_grad=True)
    violations = limits.violations([p])
    assert violations.tolist() == [1.5]
    assert limits.penalty(violations).item() == (0 + 1.5) * 1.5
    limits.ascend(violations)
    penalty = limits.penalty(violations)
    assert penalty.item() == (0.75 + 1.5) * 1.5
    penalty.backward()
    assert p.grad.tolist() == [2.25 * 1, 2.25 * 3]
    kept = torch.tensor([-0.9], dtype=torch.float64)
    assert limits.penalty(kept).item() == 0  # 0.75 - 0.9 is no negative weight


def test_a_search_by_it_goes_on_after_a_stop(tmp_path):
    space, data = load_space("nasbench201"), load_data(DataSpec())
    costs = [linear_counts(space, data.shape, 10, channels=16, cells=2)["params"]]
    limit = 0.5 * costs[0].expected([np.full(5, 0.2)] * 6)  # half of what the even mixture costs

    def run(**more):
        return search(space, replace(data, train=data.train[:256]), Budget(params=limit), costs,
                      SearchSettings(epochs=2, batch_size=64, constraint="responsive"), Recipe(crop_padding=0), 0,
                      skeleton={"channels": 4, "cells": 1}, **more)

    whole = run()
    assert whole.history[-1]["multiplier/params"] > 0
    with pytest.raises(Stopped):
        run(folder=tmp_path, hooks=Recording(3))
    assert run(folder=tmp_path).alphas == whole.alphas
