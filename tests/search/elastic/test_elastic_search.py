"""Elastic search: the sandwich learns, evolution stays within the budget, and both go on after a stop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from recording import Recording

from dcanas.basics.errors import BudgetError, Stopped, UserError
from dcanas.costs import Budget, count_architecture, count_costs
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import evolve
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.elastic.sandwich import make_supernet, supernet_recipe, train_supernet, whole_space
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data

BOUNDS = {"resolution": 224, "stem": [8, 16], "expansion": [2, 4],
          "width": [[8], [16, 24], [16], [24, 32], [24], [32, 40], [32, 48]],
          "depth": [[1], [1], [1, 2], [1], [1, 2], [1], [1]], "stride": [2, 1, 2, 1, 2, 1, 2], "kernel": [3, 5],
          "head": [32, 64]}
SPACE = load_space("mobilenetv2").within(BOUNDS)
SKELETON = {"stem": "cifar", "reference": 16}
COSTS = {cost.name: cost for cost in count_costs(SPACE, (1, 8, 8), 10, **SKELETON)}
RECIPE = Recipe(flip=False, crop_padding=0)


@pytest.fixture(scope="module")
def digits():
    return load_data(DataSpec("digits"))


def train(digits, settings, seed, **more):
    supernet = make_supernet(SPACE, digits, seed, SKELETON)
    draw = whole_space(supernet, digits, settings.random_members)
    return supernet, train_supernet(supernet, digits, supernet_recipe(settings, RECIPE), draw, seed, **more)


@pytest.fixture(scope="module")
def trained(digits):
    return train(digits, ElasticSettings(epochs=6, random_members=1, warmup_epochs=0.5), 0)


@pytest.mark.slow
def test_the_sandwich_trains_the_largest_the_smallest_and_those_between(trained, digits):
    supernet, history = trained
    assert history[-1]["largest_loss"] < history[0]["largest_loss"]
    examine = inherited_accuracy(supernet, digits, 256, 0)
    rng = np.random.default_rng(0)
    accuracies = [examine(arch)["validation_accuracy"]
                  for arch in (supernet.largest_member, supernet.smallest_member, SPACE.sample(rng))]
    assert min(accuracies) > 0.3  # chance is 0.1
    assert examine(supernet.largest_member) == examine(supernet.largest_member)


def test_a_supernet_that_was_cut_off_goes_on_to_the_same_weights(digits, tmp_path):
    digits = replace(digits, train=digits.train[:96])
    settings = ElasticSettings(epochs=1, batch_size=32, random_members=1)
    whole, _ = train(digits, settings, 3, folder=tmp_path / "a")
    heard = Recording(stop_at=2)
    with pytest.raises(Stopped):
        train(digits, settings, 3, folder=tmp_path / "b", hooks=heard)
    assert heard.steps == [1, 2]
    resumed, _ = train(digits, settings, 3, folder=tmp_path / "b")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with pytest.raises(UserError, match="belong to other settings"):
        train(digits, settings, 4, folder=tmp_path / "b")


def by_width(arch):
    """An evaluation that needs no training: the wider the later stages, the better."""
    return {"validation_accuracy": arch.choices[-1] / 40 + sum(arch.choices[2::5]) / 1e3, "validation_loss": 1.0}


def evolved(budget, evaluations=100, evaluate=by_width, **more):
    settings = ElasticSettings(evaluations=evaluations, population=20, tournament=5)
    return evolve(SPACE, [COSTS[name] for name in budget], budget, evaluate, settings, 0, **more)


@pytest.mark.parametrize("percent", [1, 40])
def test_a_hundred_distinct_members_within_the_budget(percent):
    params = np.percentile(COSTS["params"].values(np.array(
        [SPACE.sample(np.random.default_rng(i)).choices for i in range(300)])), percent)
    met = evolved(Budget(params=float(params)))
    assert len({e.architecture for e in met}) == len(met) == 100
    for e in met:  # counted again, not by the cost model
        assert count_architecture(SPACE, e.architecture, (1, 8, 8), 10, **SKELETON).params <= params


def test_evolution_finds_better_members_than_its_first_population():
    met = evolved(Budget(params=1e9))
    assert max(e.scores for e in met[20:]) > max(e.scores for e in met[:20])


def test_an_evolution_that_was_cut_off_comes_to_the_same_end_without_judging_twice():
    whole, stored, asked = evolved(Budget(macs=4e6), 60), {}, []

    def counted(arch):
        asked.append(arch)
        return by_width(arch)

    def interrupted(arch):
        if len(asked) == 33:
            raise KeyboardInterrupt
        return counted(arch)

    with pytest.raises(KeyboardInterrupt):
        evolved(Budget(macs=4e6), 60, interrupted, stored=stored)
    assert len(stored) == 33
    with pytest.raises(Stopped, match="after 40 of 60"):
        evolved(Budget(macs=4e6), 60, stored=stored, hooks=Recording(stop_at=40))
    asked.clear()
    assert evolved(Budget(macs=4e6), 60, counted, stored=stored) == whole
    assert len(asked) == 60 - 40


def test_a_budget_nobody_keeps_names_the_smallest_member():
    smallest = SPACE.extremes()[1]
    params = count_architecture(SPACE, smallest, (1, 8, 8), 10, **SKELETON).params  # every option enlarges it
    with pytest.raises(BudgetError) as caught:
        evolved(Budget(params=100, macs=1e9))
    assert caught.value.binding == ("params",)
    assert caught.value.smallest["params"] == params
    assert [e.architecture for e in evolved(Budget(params=params), 5)] == [smallest]  # the only one there is


@pytest.mark.parametrize(("settings", "message"), [
    ({"epochs": 0}, "search.epochs must be a whole number from 1 to 100000, got 0"),
    ({"tournament": 50}, "must be at most 40, got 50"),
    ({"inherit": 1}, "search.inherit must be true or false, got 1"),
    ({"name": "elastik"}, r"search\.name must be one of elastic, got 'elastik'; did you mean 'elastic'"),
])
def test_settings_are_checked(settings, message):
    with pytest.raises(UserError, match=message):
        ElasticSettings(**settings)
