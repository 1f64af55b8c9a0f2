"""What limits do to the loss, against constrained optima known in closed form."""

from __future__ import annotations

import pytest
import torch

from dcanas.costs import Budget, LinearCost
from dcanas.search.gradient.constraint_registry import constraints
from dcanas.search.gradient.constraints import Dual


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
    limits = Dual([cost], Budget(latency_ms=1.0), learning_rate=0.05)
    alphas = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([alphas], lr=0.5)
    for _ in range(1500):
        mixing = [torch.softmax(alphas, 0)]
        violations = limits.violations(mixing)
        limits.ascend(violations)
        p = mixing[0]
        loss = -(gains @ p) + (p * p.log()).sum() + limits.penalty(violations)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(limits.multipliers[0]) == pytest.approx(low, rel=0.01)
    assert torch.allclose(torch.softmax(alphas, 0).detach(), optimum(low), rtol=0.01)


def test_a_limit_with_room_leaves_its_multiplier_at_zero() -> None:
    limits = Dual([LinearCost(0.0, ((1.0, 2.0),), "macs", "MAC")], Budget(macs=10), 0.1)
    for _ in range(5):
        limits.ascend(limits.violations([torch.tensor([0.5, 0.5])]))
    assert limits.multipliers.tolist() == [0.0]


def test_violations_are_normalised_per_limit() -> None:
    """cost 1.5 against limits 1 and 3: 0.5 and -0.5."""
    costs = [LinearCost(0.0, ((1.0, 2.0),), name, "ms") for name in ("latency_ms", "latency_p95_ms")]
    limits = Dual(costs, Budget(latency_ms=1, latency_p95_ms=3), 0.1)
    assert limits.violations([torch.tensor([0.5, 0.5])]).tolist() == [0.5, -0.5]
    assert Dual([], Budget(), 0.1).penalty(torch.zeros(0)).item() == 0


def test_quadratic_toy_with_two_limits() -> None:
    """Minimise |p - t|^2 / 2 with t = (1, 2, 2) subject to p1 + p2 <= 1.5 and 2 p2 + p3 <= 3.

    Both bind. With gradients a = (1, 1, 0), b = (0, 2, 1): p = t - x a - y b and a p = 1.5, b p = 3, so 2x + 2y = 1.5
    and 2x + 5y = 3: y = 0.5, x = 0.25, p = (0.75, 0.75, 1.5). Multipliers on cost / limit - 1 are x and y times
    their limits: 0.375 and 1.5."""
    costs = [LinearCost(0.0, ((1.0, 1.0, 0.0),), "latency_ms", "ms"),
             LinearCost(0.0, ((0.0, 2.0, 1.0),), "latency_p95_ms", "ms")]
    limits = Dual(costs, Budget(latency_ms=1.5, latency_p95_ms=3), 0.2)
    target = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    p = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    for _ in range(500):
        violations = limits.violations([p])
        limits.ascend(violations)
        (slope,) = torch.autograd.grad(((p - target) ** 2).sum() / 2 + limits.penalty(violations), p)
        with torch.no_grad():
            p -= 0.1 * slope
    assert p.tolist() == pytest.approx([0.75, 0.75, 1.5], rel=0.01)
    assert limits.multipliers.tolist() == pytest.approx([0.375, 1.5], rel=0.01)


def test_a_fixed_weight_is_the_gradient_of_every_limit_whatever_is_kept() -> None:
    """cost p1 + 2 p2 at (0.5, 0.5) is 1.5 of 10; the penalty's gradient is weight x price / limit."""
    limits = constraints["fixed"]([LinearCost(0.0, ((1.0, 2.0),), "macs", "MAC")], Budget(macs=10), 0.1, weight=3.0)
    p = torch.tensor([0.5, 0.5], dtype=torch.float64, requires_grad=True)
    violations = limits.violations([p])
    limits.ascend(violations)
    (slope,) = torch.autograd.grad(limits.penalty(violations), p)
    assert slope.tolist() == pytest.approx([0.3, 0.6])
