"""Dual ascent against a constrained optimum known in closed form."""

from __future__ import annotations

import pytest
import torch

from dcanas.costs import Budget, LinearCost
from dcanas.search.constraints import Constraints
from dcanas.search.strategies import softmax, strategies


def test_multiplier_and_alphas_reach_the_optimum_of_a_toy() -> None:
    """One slot of three options, gains g, costs c: maximise <g, p> + entropy(p) subject to
    <c, p> <= 1. Stationarity gives p ~ exp(g - lambda c); lambda is found here by bisection on the limit."""
    gains, costs = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64), (0.5, 1.0, 2.0)
    cost = LinearCost(0.0, (costs,), "latency_ms", "ms")

    def optimum(multiplier: float) -> torch.Tensor:
        return torch.softmax(gains - multiplier * torch.tensor(costs, dtype=torch.float64), 0)

    low, high = 0.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if optimum(middle) @ torch.tensor(costs, dtype=torch.float64) > 1 else (low, middle)
    constraints = Constraints([cost], Budget(latency_ms=1.0), learning_rate=0.05)
    alphas = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([alphas], lr=0.5)
    for _ in range(1500):
        mixing = softmax([alphas])
        violations = constraints.violations(mixing)
        constraints.ascend(violations)
        p = mixing[0]
        loss = -(gains @ p) + (p * p.log()).sum() + constraints.penalty(violations)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(constraints.multipliers[0]) == pytest.approx(low, rel=0.01)
    assert torch.allclose(softmax([alphas])[0].detach(), optimum(low), rtol=0.01)


def test_a_limit_with_room_leaves_its_multiplier_at_zero() -> None:
    constraints = Constraints([LinearCost(0.0, ((1.0, 2.0),), "macs", "MAC")], Budget(macs=10), 0.1)
    for _ in range(5):
        constraints.ascend(constraints.violations([torch.tensor([0.5, 0.5])]))
    assert constraints.multipliers.tolist() == [0.0]


def test_violations_are_normalised_per_limit() -> None:
    """cost 1.5 against limits 1 and 3: 0.5 and -0.5."""
    costs = [LinearCost(0.0, ((1.0, 2.0),), name, "ms") for name in ("latency_ms", "latency_p95_ms")]
    constraints = Constraints(costs, Budget(latency_ms=1, latency_p95_ms=3), 0.1)
    assert constraints.violations([torch.tensor([0.5, 0.5])]).tolist() == [0.5, -0.5]
    assert Constraints([], Budget(), 0.1).penalty(torch.zeros(0)).item() == 0


def test_softmax_mixing_sums_to_one_per_slot() -> None:
    mixed = strategies["softmax"]([torch.tensor([0.0, 0.0]), torch.tensor([1.0, 2.0, 3.0])])
    assert mixed[0].tolist() == [0.5, 0.5]
    assert sum(mixed[1].tolist()) == pytest.approx(1)
