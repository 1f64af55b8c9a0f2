"""Probabilities given the groups, against the sum over all codes that keep them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from chain_space import Chain

from dcanas.costs import LinearCost, linear_counts, within_groups
from dcanas.spaces import Group, load_space

DARTS = load_space("darts")


def _keeps(groups: tuple[Group, ...], choices: tuple[int, ...]) -> bool:
    return all(sum(choices[i] != 0 for i in group.slots) == group.k for group in groups)


@pytest.mark.parametrize("groups", [(Group((0, 1, 2), 2),), (Group((0, 2), 1), Group((1, 3, 4), 2)),
                                    (Group((0, 1), 0), Group((2, 3), 2))])
def test_expected_cost_is_the_mean_over_the_codes_that_keep_the_groups(groups) -> None:
    space = Chain(5, groups)
    rng = np.random.default_rng(0)
    probabilities = list(rng.dirichlet(np.ones(5), size=5))
    cost = LinearCost(3.0, tuple(map(tuple, rng.normal(size=(5, 5)))))
    codes = [c for c in itertools.product(range(5), repeat=5) if _keeps(groups, c)]
    weights = [math.prod(probabilities[i][o] for i, o in enumerate(c)) for c in codes]
    mean = sum(w * cost.value(space.architecture(c)) for w, c in zip(weights, codes, strict=True)) / sum(weights)
    given = within_groups(space, probabilities)
    assert cost.expected(given) == pytest.approx(mean, rel=1e-12)
    assert np.allclose([row.sum() for row in given], 1)
    tensors = within_groups(space, [torch.tensor(p) for p in probabilities])
    assert np.allclose(np.array(tensors), np.array(given), rtol=1e-12)


def test_codes_that_keep_the_groups_stay_one_hot() -> None:
    rng = np.random.default_rng(1)
    macs = linear_counts(DARTS, channels=4, cells=3)["macs"]
    for _ in range(10):
        arch = DARTS.sample(rng)
        one_hot = [torch.eye(8, dtype=torch.float64)[c] for c in arch.choices]
        given = within_groups(DARTS, one_hot)
        assert all(torch.equal(a, b) for a, b in zip(given, one_hot, strict=True))
        assert float(macs.expected(given)) == pytest.approx(macs.value(arch), rel=1e-12)


def test_even_alphas_use_two_edges_per_node() -> None:
    """Independent slots use 7/8 of 28 edges, 24.5; members use 16 (2 per node, 8 nodes), and cost 16 / 24.5 as much."""
    even = [torch.full((8,), 1 / 8, dtype=torch.float64)] * 28
    used = LinearCost(0.0, ((0.0,) + (1.0,) * 7,) * 28)
    assert float(used.expected(even)) == pytest.approx(24.5)
    assert float(used.expected(within_groups(DARTS, even))) == pytest.approx(16)


def test_gradient_equals_finite_differences() -> None:
    space = Chain(4, (Group((0, 1, 2), 2),))
    cost = LinearCost(1.0, tuple(map(tuple, np.random.default_rng(2).normal(size=(4, 5)))))
    torch.manual_seed(0)
    alphas = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: cost.expected(within_groups(space, list(torch.softmax(a, 1)))), alphas)


def test_a_space_without_groups_is_left_alone() -> None:
    rows = [np.full(5, 0.2)] * 9
    assert all(a is b for a, b in zip(within_groups(Chain(9), rows), rows, strict=True))
