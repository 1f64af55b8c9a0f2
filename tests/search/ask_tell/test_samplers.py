"""What every sampler promises, and what ProxyBO makes of proxies it can and cannot trust."""

from __future__ import annotations

import numpy as np
import pytest
from grid_space import BEST, CODES, GRID, SIZE, VALUE, candidates, worth

from dcanas.basics.errors import UserError
from dcanas.benchmarks.simulate import simulate
from dcanas.costs import Budget, LinearCost
from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.sampler_registry import samplers
from dcanas.search.ask_tell.study_settings import SamplerSettings

NAMES = list(samplers)


def settings(sampler, *proxies, evaluations=30, **more):
    return SamplerSettings(sampler, proxies, evaluations, **more)


def trace(sampler, *proxies, seed=0, budget=None, **more):
    return simulate(candidates(settings(sampler, *proxies, **more), budget), worth, seed)


@pytest.mark.parametrize("sampler", NAMES)
def test_new_members_within_the_budget_the_same_for_the_same_seed(sampler):
    proxies = ("half",) if sampler == "proxybo" else ()
    found = trace(sampler, *proxies, evaluations=16, budget=Budget(params=5))
    assert len(set(found.architectures)) == 16
    assert all(SIZE.value(arch) <= 5 for arch in found.architectures)
    again = trace(sampler, *proxies, evaluations=16, budget=Budget(params=5))
    assert found.architectures == again.architectures
    assert found.why == again.why


@pytest.mark.parametrize("sampler", NAMES)
def test_goes_on_until_nothing_is_left(sampler):
    """Members of at most 1 parameter: the empty one and four others."""
    more = {"evolution": {"population": 3, "tournament": 2}, "random": {}, "nsga2": {}}.get(sampler, {"initial": 3})
    with pytest.raises(UserError, match="has been proposed after 5 trials"):
        trace(sampler, evaluations=9, budget=Budget(params=1), **more)


@pytest.mark.parametrize("sampler", ["evolution", "local", "bo", "proxybo"])
def test_better_than_chance(sampler):
    proxies, more = ("half",) if sampler == "proxybo" else (), {"population": 10} if sampler == "evolution" else {}
    found = np.mean([trace(sampler, *proxies, seed=s, evaluations=30, **more).best[-1] for s in range(3)])
    chance = np.mean([np.sort(np.random.default_rng(s).choice(list(VALUE.values()), 30, replace=False))[-1]
                      for s in range(200)])
    assert found > chance


def test_a_perfect_proxy_finds_the_optimum_within_three_of_the_first_trials():
    for seed in range(5):
        found = trace("proxybo", "right", seed=seed, evaluations=13)
        assert BEST in [arch.choices for arch in found.architectures]
        assert found.why[-1]["opinions"]["right"]["reliability"] == 1


def test_a_wrong_proxy_is_left_out_not_turned_round():
    why = trace("proxybo", "wrong", evaluations=25).why[-1]["opinions"]
    assert why["wrong"]["reliability"] == 0
    assert why["wrong"]["influence"] < 1e-3
    assert why["surrogate"]["influence"] > 0.999


def test_why_this_one():
    """What is recorded explains the choice: no candidate has a smaller influence-weighted sum of ranks."""
    chosen = trace("proxybo", "half", "noise", evaluations=20).why[-1]
    assert chosen["candidates"] == 256 - 19
    assert sum(o["influence"] for o in chosen["opinions"].values()) == pytest.approx(1, abs=1e-5)
    total = sum(o["influence"] * o["rank"] for o in chosen["opinions"].values())
    assert total <= (chosen["candidates"] + 1) / 2  # the mean of any weighted sum of ranks


def test_what_others_are_at_is_not_asked_again():
    made = candidates(settings("proxybo", "right"))
    sampler = samplers["proxybo"](made)
    observed = [Observation(GRID.architecture(c), VALUE[c]) for c in CODES[::25]]
    first = sampler.propose(History(observed), np.random.default_rng(0)).architecture
    second = sampler.propose(History(observed, [first]), np.random.default_rng(0)).architecture
    assert first != second
    assert {VALUE[first.choices], VALUE[second.choices]} <= set(sorted(VALUE.values())[-3:])


def test_one_network_under_two_codes_is_asked_once():
    """The grid's canonical code sorts the choices: C(4 + 3, 4) = 35 classes of 256 codes."""
    made = candidates(settings("random", evaluations=36), identity=GRID.canonical)
    with pytest.raises(UserError, match="after 35 trials"):
        simulate(made, worth, 0)


def test_a_predicted_cost_weighs():
    """Twice the size, known within 20 %: the probability of keeping 8 is 1 below 6 and next to 0 above 12."""
    cost = LinearCost(0.0, ((0.0, 2.0, 4.0, 6.0),) * 4, "latency_ms", "ms", "predicted", None, 0.2)
    made = candidates(settings("bo", evaluations=40), predicted=[(cost, 8.0)])
    asked = simulate(made, worth, 0)
    assert all(0 <= why["probability_feasible"] <= 1 for why in asked.why[10:])
    assert np.mean([cost.value(arch) <= 10 for arch in asked.architectures[10:]]) > 0.9


def test_failed_trials_are_known_and_teach_nothing():
    made = candidates(settings("proxybo", "right"))
    observed = [Observation(GRID.architecture(c), VALUE[c]) for c in CODES[::25]]
    observed.append(Observation(GRID.architecture(BEST), None))
    found = samplers["proxybo"](made).propose(History(observed), np.random.default_rng(0))
    assert found.architecture.choices != BEST


@pytest.mark.parametrize(("values", "sentence"), [
    ({"initial": 11, "evaluations": 10}, "at most search.evaluations=10"),
    ({"temperature": 0}, "search.temperature must be a number"),
])
def test_settings_refused(values, sentence):
    with pytest.raises(UserError, match=sentence):
        SamplerSettings(**values)


def test_unknown_names():
    with pytest.raises(UserError, match="did you mean 'right'"):
        candidates(settings("proxybo", "rihgt"))
    with pytest.raises(UserError, match="did you mean 'proxybo'"):
        simulate(candidates(settings("proxibo")), worth, 0)
    with pytest.raises(UserError, match=r"leaves 5 members, fewer than the search\.initial=10"):
        candidates(settings("local"), Budget(params=1))


@pytest.mark.parametrize("sampler", ["random", "evolution"])
def test_samplers_that_draw_no_first_trials_ask_for_none(sampler):
    """The default of 10 first trials neither bounds a study of 4 trials nor a budget that leaves 5 members."""
    more = {"population": 3, "tournament": 2} if sampler == "evolution" else {}
    assert len(trace(sampler, evaluations=4, budget=Budget(params=1), **more).architectures) == 4
    with pytest.raises(UserError, match=f"search.initial applies to .*local or bo or proxybo only, not to {sampler}"):
        settings(sampler, evaluations=12, initial=4)


def test_four_workers_know_what_is_pending_but_not_its_value(monkeypatch):
    """Trainings of one second: proposals 0 to 3 know nothing, 4 the first, 5 the first two, and so on."""
    known = []

    class Spy:
        def __init__(self, candidates):
            self.inner = samplers["evolution"](candidates)

        def propose(self, history, rng):
            known.append((len(history.succeeded), len(history.pending)))
            return self.inner.propose(history, rng)

    monkeypatch.setitem(samplers._entries, "Spy", Spy)
    trace = simulate(candidates(settings("Spy", evaluations=40)), worth, 0, workers=4)
    assert known == [(max(0, position - 3), min(position, 3)) for position in range(40)]
    assert len({a.choices for a in trace.architectures}) == 40
    assert trace.seconds == [1.0 + position // 4 for position in range(40)]


def test_a_kept_forest_depends_on_the_history_alone() -> None:
    """Beyond 200 observations a sampler that has proposed before and a new one propose the same."""
    made = candidates(settings("bo", evaluations=250))
    rng = np.random.default_rng(0)
    archs = [GRID.architecture("".join(map(str, CODES[i]))) for i in rng.permutation(len(CODES))[:215]]
    history = [Observation(arch, worth(arch)) for arch in archs]
    old = samplers["bo"](made)
    for count in range(205, 215):
        known = History(history[:count])
        new = samplers["bo"](made).propose(known, np.random.default_rng(count))
        assert old.propose(known, np.random.default_rng(count)) == new
    left = [code for code in CODES if code not in {arch.choices for arch in archs[:214]}]
    assert VALUE[new.architecture.choices] > np.mean([VALUE[code] for code in left])
