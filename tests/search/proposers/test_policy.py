"""The distribution that REINFORCE learns: against enumeration of all codes that keep a group."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from chain_space import Chain

from dcanas.search.proposers.policy import Policy
from dcanas.spaces import Group, load_space


def policy():
    """Four layers of five options, exactly two of which are other than `none`."""
    found = Policy(Chain(4, (Group((0, 1, 2, 3), 2, unused="none"),)), np.random.default_rng(0))
    with torch.no_grad():
        for i, row in enumerate(found.logits):
            row.copy_(torch.linspace(-1, 0.5 + i, len(row)))
    return found


def test_probabilities_sum_to_one_over_the_codes_that_keep_the_group():
    """P(code) = product of softmaxes / Z, Z the total of that product over all codes with exactly two used slots."""
    found = policy()
    every = itertools.product(*(range(len(slot.options)) for slot in found.space.slots))
    codes = [code for code in every if sum(map(bool, code)) == 2]
    shares = found.shares()
    weight = np.array([np.prod([row[c] for row, c in zip(shares, code, strict=True)]) for code in codes])
    told = np.exp([float(found.log_likelihood(found.space.architecture(code)).detach()) for code in codes])
    assert told == pytest.approx(weight / weight.sum(), rel=1e-9)


def test_draws_follow_the_probabilities():
    """4,000 draws: every code's frequency within five standard errors of its probability."""
    found, rng, shares = policy(), np.random.default_rng(1), policy().shares()
    counts: dict = {}
    for _ in range(4000):
        arch = found.draw(shares, rng)
        counts[arch] = counts.get(arch, 0) + 1
    for arch, count in counts.items():
        p = float(torch.exp(found.log_likelihood(arch)).detach())
        assert abs(count / 4000 - p) < 5 * (p * (1 - p) / 4000) ** 0.5


@pytest.mark.parametrize("name", ["mobilenetv2", "mbconv", "darts", "nasbench201"])
def test_draws_of_real_spaces_keep_their_groups_and_bounds(name):
    space = load_space(name)
    if name in ("mobilenetv2", "mbconv"):
        space = space.within({"resolution": 224, "stem": [16], "expansion": [2, 4], "depth": [1, 2], "kernel": [3],
                              "width": [[16 + 8 * i] for i in range(7)], "stride": [2, 1, 2, 1, 2, 1, 2],
                              "head": [128]})
    found, rng = Policy(space, np.random.default_rng(0)), np.random.default_rng(1)
    shares = found.shares()
    for _ in range(5):
        arch = found.draw(shares, rng)  # `architecture` refuses a code that breaks a group
        assert all(c in options for c, options in zip(arch.choices, space.reachable(), strict=True))
        assert torch.isfinite(found.log_likelihood(arch))
