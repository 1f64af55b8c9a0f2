"""Two processes that search together: the alphas of one that normalises over the same halves of each batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from two_ranks import run_two

from dcanas.costs import Budget, linear_counts
from dcanas.search import SearchSettings, search
from dcanas.spaces import load_space
from dcanas.supernet import Supernet
from dcanas.training import DataSpec, Recipe, load_data

SPACE, DATA = load_space("nasbench201"), load_data(DataSpec())
FEW = replace(DATA, train=DATA.train[:800])
SETTINGS = SearchSettings(epochs=2, batch_size=150, warmup_epochs=0)

def run(ranks=None):
    costs = [linear_counts(SPACE, DATA.shape, 10, channels=16, cells=2)["params"]]
    more = {} if ranks is None else {"ranks": ranks}
    return search(SPACE, FEW, Budget(params=150_000), costs, SETTINGS, Recipe(crop_padding=0, rotation=5.0), 0,
                  skeleton={"channels": 4, "cells": 1}, **more)


def work(ranks, folder):
    result = run(ranks)
    torch.save([result.alphas, result.history], folder / f"{ranks.rank}.pt")


@pytest.mark.slow
@pytest.mark.thorough
def test_two_processes_equal_one_that_normalises_over_the_same_halves(tmp_path, monkeypatch) -> None:
    run_two(__file__, tmp_path, 240)
    (first, history), (second, others) = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert first == second  # to the bit
    assert history == others
    whole = run()
    forward = Supernet.forward

    def by_halves(self, images, mixing, chosen=None):
        middle = len(images) // 2
        return torch.cat([forward(self, part, mixing, chosen) for part in (images[:middle], images[middle:])])

    monkeypatch.setattr(Supernet, "forward", by_halves)
    one = run()
    assert np.abs(np.array(first) - np.array(one.alphas)).max() < 1e-5
    assert np.abs(np.array(whole.alphas) - np.array(one.alphas)).max() > 1e-5  # or halves would mean nothing
    assert history[-1]["weights_loss"] == pytest.approx(one.history[-1]["weights_loss"], abs=1e-4)
    assert history[-1]["multiplier/params"] == pytest.approx(one.history[-1]["multiplier/params"], abs=1e-6)
