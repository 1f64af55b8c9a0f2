"""Expected peak memory of a chain of layers against the sum over all its codes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from chain_space import Chain

from dcanas.costs import Domain, count_costs
from dcanas.costs.maximum import MaximumCost, peak_of_slots
from dcanas.costs.plan_cost import PlanCost
from dcanas.spaces import Architecture, load_space


@pytest.fixture(scope="module")
def cost() -> MaximumCost:
    space = Chain(layers=4)
    found = peak_of_slots(space, Domain.of(space, (3, 8, 8), 10), "fp32")
    assert isinstance(found, MaximumCost)
    return found


def test_the_expectation_is_the_sum_over_all_codes(cost) -> None:
    """625 codes, each with its own plan's peak and the product of its options' probabilities."""
    rng = np.random.default_rng(0)
    p = [row / row.sum() for row in rng.random((4, 5))]
    brute = sum(np.prod([p[i][c] for i, c in enumerate(code)]) * cost.value(Architecture("chain", code))
                for code in itertools.product(range(5), repeat=4))
    assert float(cost.expected(p)) == pytest.approx(brute, rel=1e-12)
    tensors = [torch.tensor(row) for row in p]
    assert float(cost.expected(tensors)) == pytest.approx(brute, rel=1e-12)
    slope = torch.autograd.functional.jacobian(lambda *rows: cost.expected(rows), tuple(tensors))
    step = [row.copy() for row in p]
    step[2][3] += 1e-6
    assert float(slope[2][3]) == pytest.approx(float(cost.expected(step) - cost.expected(p)) / 1e-6, rel=1e-4)


def test_at_one_hot_codes_it_is_the_plan_of_fbnet() -> None:
    space = load_space("fbnet")
    cost = next(c for c in count_costs(space, (3, 32, 32), 10) if c.name == "peak_bytes")
    assert isinstance(cost, MaximumCost)
    rng = np.random.default_rng(1)
    for _ in range(5):
        arch = space.sample(rng)
        one_hot = [np.eye(len(s.options))[c] for s, c in zip(space.slots, arch.choices, strict=True)]
        assert float(cost.expected(one_hot)) == cost.value(arch)


def test_cells_are_no_such_chain() -> None:
    """In a DARTS cell what is alive depends on several slots at once: the fitted row stays."""
    peak = next(c for c in count_costs(load_space("darts"), (3, 32, 32), 10, channels=8, cells=3)
                if c.name == "peak_bytes")
    assert type(peak) is PlanCost
