"""Linear and tabular costs, domains, budgets, the integer programme and feasibility, against brute force."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest
import torch
from chain_space import Chain

from dcanas.basics.errors import BudgetError, UserError
from dcanas.costs import (
    Budget,
    CostModel,
    Domain,
    LinearCost,
    count_architecture,
    count_costs,
    feasibility,
    linear_counts,
    peak_cost,
)
from dcanas.costs.feasibility import budget_error, conflicting, explain, percentile
from dcanas.costs.linearise import linearise
from dcanas.costs.members import member_choices
from dcanas.costs.milp import best_within
from dcanas.spaces import Group, load_space

SPACE = load_space("nasbench201")
SKELETON = {"channels": 8, "cells": 2}


@cache
def costs() -> dict[str, CostModel]:
    return {c.name: c for c in count_costs(SPACE, (3, 16, 16), 10, **SKELETON)}


def _one_hot(arch, dtype=torch.float64):
    return [torch.eye(5, dtype=dtype)[c] for c in arch.choices]


@pytest.mark.parametrize("name", ["params", "macs", "peak_bytes", "weight_bytes"])
def test_discrete_and_expected_cost_agree_at_one_hot_alphas(name: str) -> None:
    rng = np.random.default_rng(0)
    codes = list(SPACE.enumerate())
    for i in rng.integers(len(codes), size=60):
        arch = codes[int(i)]
        counted = getattr(count_architecture(SPACE, arch, (3, 16, 16), 10, **SKELETON), name)
        assert costs()[name].value(arch) == pytest.approx(counted, rel=1e-9)
        assert float(costs()[name].expected(_one_hot(arch))) == pytest.approx(counted, rel=1e-9)
        assert costs()[name].upper(arch) == costs()[name].value(arch)


@pytest.mark.parametrize("name", ["params", "macs", "peak_bytes", "weight_bytes"])
def test_gradient_of_the_expected_cost_equals_finite_differences(name: str) -> None:
    torch.manual_seed(0)
    alphas = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)

    def expected(a):
        return costs()[name].expected(list(torch.softmax(a, 1)))

    (gradient,) = torch.autograd.grad(expected(alphas), alphas)
    for i, j in itertools.product(range(6), range(5)):
        step = torch.zeros(6, 5, dtype=torch.float64)
        step[i, j] = 1e-5
        difference = (expected(alphas.detach() + step) - expected(alphas.detach() - step)) / 2e-5
        scale = float(gradient.abs().max())
        assert float(gradient[i, j]) == pytest.approx(float(difference), rel=1e-4, abs=1e-4 * scale)


def test_expected_peak_is_the_mean_over_all_codes() -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(5), size=6)
    brute = sum(math.prod(p[i, c] for i, c in enumerate(a.choices)) * costs()["peak_bytes"].value(a)
                for a in SPACE.enumerate())
    assert costs()["peak_bytes"].expected(list(p)) == pytest.approx(brute, rel=1e-9)
    assert float(costs()["peak_bytes"].expected([torch.tensor(row) for row in p])) == pytest.approx(brute, rel=1e-9)


def test_many_values_at_once_equal_one_by_one() -> None:
    choices = member_choices(SPACE)[::500]
    for cost in costs().values():
        assert isinstance(cost, CostModel)
        assert cost.values(choices).tolist() == [cost.value(SPACE.architecture(c)) for c in choices]
        assert np.array_equal(cost.uppers(choices), cost.values(choices))


def test_a_predicted_linear_cost_has_an_upper_bound() -> None:
    cost = LinearCost(1.0, ((0, 1), (0, 2)), "latency_ms", "ms", "predicted", relative_error=0.1)
    arch = type(next(SPACE.enumerate()))("toy", (1, 1))
    assert cost.value(arch) == 4.0
    assert cost.upper(arch) == pytest.approx(4.4)
    with pytest.raises(ValueError, match="not finite"):
        LinearCost(0.0, ((0.0, math.nan),))


def test_a_cost_refuses_networks_outside_its_domain() -> None:
    mine = Domain.of(SPACE, (3, 32, 32), 10, channels=16, cells=5)
    mine.require(Domain.of(SPACE, (3, 32, 32), 10), "latency_ms")
    with pytest.raises(UserError, match="latency_ms holds for num_classes = 10, asked for 100"):
        mine.require(Domain.of(SPACE, (3, 32, 32), 100), "latency_ms")
    with pytest.raises(UserError, match="holds for skeleton"):
        mine.require(Domain.of(SPACE, (3, 32, 32), 10, cells=1), "latency_ms")


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, "many", None, True])
def test_a_limit_must_be_a_positive_number(limit) -> None:
    with pytest.raises(UserError, match="The limit on params must be a positive finite number, or one with a unit"):
        Budget(params=limit)


def test_cost_names_are_checked_and_may_name_a_device() -> None:
    with pytest.raises(UserError, match="Unknown cost 'latency'; did you mean 'latency_ms'"):
        Budget(latency=3)
    budget = Budget({"eyeriss.latency_ms": 5}, params=10, robust_accuracy_min=0.3)
    assert dict(budget) == {"eyeriss.latency_ms": 5.0, "params": 10.0, "robust_accuracy_min": 0.3}
    assert budget.allows("params", 10)
    assert not budget.allows("params", 11)
    assert budget.allows("robust_accuracy_min", 0.31)
    assert not budget.allows("robust_accuracy_min", 0.29)


def test_the_programme_equals_brute_force_on_nasbench201() -> None:
    rng = np.random.default_rng(3)
    every = np.array([a.choices for a in SPACE.enumerate()])
    linear = [costs()["params"], costs()["macs"]]
    for _ in range(15):
        scores = rng.normal(size=(6, 5))
        limits = [(c, float(rng.uniform(c.base * 0.99, c.values(every).max()))) for c in linear]
        values = sum(scores[i][every[:, i]] for i in range(6))
        kept = np.all([c.values(every) <= limit for c, limit in limits], axis=0)
        found = best_within(SPACE, scores, limits)
        if not kept.any():
            assert found is None
            continue
        assert found is not None
        assert tuple(every[kept][np.argmax(values[kept])]) == found.choices
        second = best_within(SPACE, scores, limits, [found])
        ordered = np.sort(values[kept])[::-1]
        if len(ordered) > 1:
            assert second is not None
            assert sum(scores[i][c] for i, c in enumerate(second.choices)) == pytest.approx(ordered[1])


def test_the_programme_keeps_groups() -> None:
    """Exactly 2 of the first 4 layers used: the two best of them by score, whatever the others offer."""
    space = Chain(6, (Group((0, 1, 2, 3), 2),))
    scores = [[0.0, 0, 0, 0, gain] for gain in (5.0, 1.0, 4.0, 3.0, -1.0, 2.0)]
    found = best_within(space, scores, [])
    assert found is not None
    assert [c == 4 for c in found.choices[:4]] == [True, False, True, False]
    assert found.choices[5] == 4
    assert found.choices[4] != 4


def test_ranges_share_and_percentile_by_brute_force() -> None:
    members = list(SPACE.members())
    counts = [count_architecture(SPACE, a, (3, 16, 16), 10, **SKELETON) for a in members]
    params, macs = (np.array([getattr(count, name) for count in counts]) for name in ("params", "macs"))
    limits = Budget(params=float(np.median(params)), macs=float(np.percentile(macs, 30)))
    answer = feasibility(SPACE, list(costs().values()), limits)
    assert answer.members == len(members) == 9_444
    first = answer.ranges[0]
    assert (first.minimum, first.median, first.maximum) == (params.min(), np.median(params), params.max())
    assert answer.share == np.mean((params <= limits["params"]) & (macs <= limits["macs"]))
    limit = percentile(SPACE, costs()["macs"], 40)
    assert np.mean(macs <= limit) >= 0.4 >= np.mean(macs < limit)


def test_two_limits_that_exclude_each_other_are_named() -> None:
    """One slot of two options, 1 and 3 ms or 3 and 1 mJ: within 2 ms or 2 mJ each, within both nobody; params never
    matters. Three limits, and the pair is the one named."""
    values = {"params": np.array([1.0, 1.0]), "latency_ms": np.array([1.0, 3.0]), "energy_mj": np.array([3.0, 1.0])}
    budget = Budget(params=5, latency_ms=2, energy_mj=2)
    assert conflicting(values, budget) == ("latency_ms", "energy_mj")
    text = str(budget_error("here", budget, *explain(values, budget), conflicting(values, budget)))
    assert "latency_ms and energy_mj conflict, each can be kept without the other" in text
    assert conflicting(values, Budget(params=5, latency_ms=0.5, energy_mj=2)) == ()  # latency binds alone


def test_an_impossible_budget_names_what_binds_and_the_smallest_feasible_value() -> None:
    answer = feasibility(SPACE, list(costs().values()), Budget(params=10, macs=1e9))
    assert not answer.feasible
    with pytest.raises(BudgetError, match=r"params <= 10 binds, its smallest feasible value is [\d,]+ within"):
        answer.require()
    assert answer.binding == ("params",)
    conflict = Budget(peak_bytes=costs()["peak_bytes"].values(member_choices(SPACE)).min(), params=20_000)
    answer = feasibility(SPACE, list(costs().values()), conflict)
    assert answer.feasible


def test_two_limits_that_conflict_although_each_alone_can_be_met() -> None:
    """Cost a counts skips, b counts everything that is no skip: of the three edges of the longest path ... both at 0
    is the dead code only, so a <= 0.5 and b <= 0.5 conflict and each is met alone (a = 0 with convolutions)."""
    a = LinearCost(0, ((0, 1, 0, 0, 0),) * 6, "energy_mj", "mJ")
    b = LinearCost(0, ((0, 0, 1, 1, 1),) * 6, "latency_ms", "ms")
    answer = feasibility(SPACE, [a, b], Budget(energy_mj=0.5, latency_ms=0.5))
    assert not answer.feasible
    assert answer.smallest == {"energy_mj": 1.0, "latency_ms": 1.0}
    assert set(answer.binding) <= {"energy_mj", "latency_ms"}


def test_a_limit_without_a_source_is_refused() -> None:
    with pytest.raises(UserError, match="No source for energy_mj on this device: limits can be set on params, macs"):
        feasibility(SPACE, list(costs().values()), Budget(energy_mj=3))


def test_large_spaces_are_sampled_and_their_least_values_exact() -> None:
    """Chain of 9: base 24 + 16 = 40 parameters (stem 3 -> 8 and its batch norm); one layer of width 4 adds
    8 * 4 + 8 + 4 * 8 + 16 = 88, and every other option more, so 10 codes only are within 128."""
    space = Chain(9)
    costs = count_costs(space, (3, 8, 8), 10)
    answer = feasibility(space, costs, Budget(params=128))
    assert answer.sampled
    assert answer.feasible
    answer = feasibility(space, costs, Budget(params=39))
    assert not answer.feasible
    assert answer.smallest == {"params": 40}


def test_linearised_cost_of_a_linear_cost_is_itself() -> None:
    space = Chain(5)
    linear = linear_counts(space, (3, 8, 8), 10)["macs"]
    fitted, deviation = linearise(space, linear)
    rng = np.random.default_rng(0)
    choices = rng.integers(5, size=(50, 5))
    assert np.allclose(fitted.values(choices), linear.values(choices), rtol=1e-9)
    assert deviation < 1e-6 * linear.base


def test_peak_tables_are_made_once() -> None:
    assert peak_cost(SPACE, Domain.of(SPACE, (3, 16, 16), 10, **SKELETON), "fp32") is costs()["peak_bytes"]
