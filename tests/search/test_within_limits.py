"""Whatever any search returns keeps the limits, by the published tables themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dcanas.basics.errors import BudgetError
from dcanas.costs import Budget
from dcanas.costs.feasibility import percentile
from dcanas.costs.members import member_choices
from dcanas.hardware import LatencyPredictor, load_tables
from dcanas.search import derive
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import evolve
from dcanas.search.verified import derive_verified
from dcanas.search.zero_shot.loop import ZeroShotSettings, zero_shot
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
METRICS = ("edgegpu.latency_ms", "edgegpu.energy_mj", "raspi4.latency_ms", "edgetpu.latency_ms", "pixel3.latency_ms",
           "eyeriss.latency_ms", "eyeriss.energy_mj", "fpga.latency_ms", "fpga.energy_mj")


@pytest.fixture(scope="module")
def costs(tables):
    """The tables, each under a name of its own, so that two devices can be limited at once."""
    return {name: replace(cost, name=name) for name, cost in load_tables(folder=tables).items() if name in METRICS}


@pytest.fixture(scope="module")
def learnt():
    """Of each device the predictor after ten networks; known by what it measures, which the table tells."""
    def learn(cost):
        start = LatencyPredictor.of(SPACE)
        return start.add({arch: cost.value(arch) for arch in start.choose(10)})

    return learn


def derived(budget, limited, rng):
    return [derive(SPACE, rng.normal(size=(6, 5)), budget, costs=limited).architecture]


def proposed(strategy):
    def run(budget, limited, rng):
        small = {"population": 4, "tournament": 2} if strategy == "evolution" else {}
        settings = ZeroShotSettings(names=("synflow",), strategy=strategy, evaluations=12, **small)
        return zero_shot(SPACE, budget, lambda arch: {"synflow": rng.normal()}, limited, settings,
                         int(rng.integers(1000))).evaluated
    return run


def evolved(budget, limited, rng):
    met = evolve(SPACE, limited, budget, lambda arch: {"validation_accuracy": rng.random(), "validation_loss": 1.0},
                 ElasticSettings(evaluations=8, population=4, tournament=2), int(rng.integers(1000)))
    return [one.architecture for one in met]


SEARCHES = {"derive": derived, "evolution": evolved,
            **{f"zero-shot {name}": proposed(name) for name in ("random", "evolution", "reinforce")}}


@pytest.mark.parametrize("search", SEARCHES)
def test_at_low_percentiles_of_every_metric(costs, search):
    rng = np.random.default_rng(0)
    for cost in costs.values():
        for percent in (5, 10, 25, 50):
            limit = percentile(SPACE, cost, percent)
            found = SEARCHES[search](Budget({cost.name: limit}), [cost], rng)
            assert found
            assert all(cost.value(arch) <= limit for arch in found)


@pytest.mark.parametrize("search", SEARCHES)
def test_under_a_hundred_pairs_of_limits(costs, search):
    """Pairs nobody keeps, by brute force, are refused; each other pair gives members that keep both."""
    rng = np.random.default_rng(1)
    members = member_choices(SPACE)
    refused = 0
    for _ in range(100):
        pair = [costs[name] for name in rng.choice(METRICS, 2, replace=False)]
        budget = Budget({cost.name: percentile(SPACE, cost, rng.uniform(1, 60)) for cost in pair})
        possible = np.logical_and.reduce([cost.values(members) <= budget[cost.name] for cost in pair]).any()
        if not possible:
            refused += 1
            with pytest.raises(BudgetError):
                SEARCHES[search](budget, pair, rng)
            continue
        found = SEARCHES[search](budget, pair, rng)
        assert found
        assert all(cost.value(arch) <= budget[cost.name] for cost in pair for arch in found)
    assert refused < 50


@pytest.mark.parametrize("device", ["raspi4", "pixel3", "edgegpu", "eyeriss", "fpga"])
def test_what_is_predicted_and_verified(tables, costs, learnt, device):
    """Ten and at most three networks asked for; a limit on parameters beside it in every other trial."""
    cost = load_tables(folder=tables)[f"{device}.latency_ms"]
    start, rng = learnt(cost), np.random.default_rng(2)
    for trial, percent in enumerate((5, 10, 25, 50, *rng.uniform(5, 95, 6))):
        budget = Budget({"latency_ms": percentile(SPACE, cost, percent), **({"params": 800_000} if trial % 2 else {})})
        try:
            found, after = derive_verified(SPACE, rng.normal(size=(6, 5)), budget, start, cost.value)
        except BudgetError:
            assert percent < 15  # of ten learnt from and three picked, none is that fast
            continue
        assert len(after.measured) <= 13
        assert cost.value(found.architecture) <= budget["latency_ms"]
