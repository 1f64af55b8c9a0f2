"""The search loop on real digits, small enough for seconds."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from recording import Recording

from dcanas.basics.errors import Stopped, UserError
from dcanas.costs import Budget, count_costs
from dcanas.search import SearchSettings, search
from dcanas.search.gradient import collapse
from dcanas.search.gradient.bilevel import BilevelTrainer
from dcanas.search.gradient.step_memory import predict_memory
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data
from dcanas.training.ranks import ALONE

SPACE = load_space("nasbench201")
DATA = load_data(DataSpec())
SETTINGS = SearchSettings(epochs=2, batch_size=128)  # ten steps
SMALL = {"channels": 4, "cells": 1}
FEW = replace(DATA, train=DATA.train[:900])  # two steps of 256 per epoch (450 images in each half)


@cache
def _costs():
    return {c.name: c for c in count_costs(SPACE, DATA.shape, 10, channels=16, cells=2)}


def _search(dataset=DATA, budget=None, settings=SETTINGS, seed=0, **more):
    budget = budget or Budget(params=150_000, peak_bytes=12_500)
    return search(SPACE, dataset, budget, [_costs()[name] for name in budget], settings, Recipe(crop_padding=0), seed,
                  skeleton=SMALL, **more)


@cache
def _straight():
    """Return the usual search without a stop, which others are compared with."""
    return _search()


@cache
def _plain():
    """Return a search of few steps that mixes by softmax."""
    return _search(FEW, settings=replace(SETTINGS, batch_size=256))


def test_the_same_seed_gives_the_same_alphas_and_another_seed_others() -> None:
    settings = replace(SETTINGS, batch_size=256)
    first, again, other = _plain(), _search(FEW, settings=settings), _search(FEW, settings=settings, seed=1)
    assert first == again
    assert first.alphas != other.alphas
    assert [len(row) for row in first.scores] == [5] * 6
    assert np.allclose(np.exp(first.scores).sum(axis=1), 1)


def test_expected_costs_are_driven_to_their_limits() -> None:
    """The even mixture costs more than both limits; peak memory is no sum over slots."""
    even = [np.full(5, 0.2)] * 6
    budget = Budget(params=150_000, peak_bytes=12_500)
    assert all(_costs()[name].expected(even) > 1.05 * limit for name, limit in budget.items())
    settings = replace(SETTINGS, epochs=6, batch_size=32, alpha_learning_rate=0.03)
    last = _search(FEW, budget, settings).history[-1]
    for name in budget:
        assert last[f"expected_over_limit/{name}"] < 1.03
        assert last[f"multiplier/{name}"] >= 0


def test_only_the_training_split_is_used() -> None:
    noise = DATA.images.copy()
    rest = np.concatenate([DATA.validation, DATA.test])
    noise[rest] = np.random.default_rng(0).integers(0, 256, noise[rest].shape, dtype=np.uint8)
    assert _search(replace(DATA, images=noise)).alphas == _straight().alphas


@pytest.mark.parametrize("stop_at", [1, 5, 8])
def test_stopped_after_any_step_it_goes_on_to_the_same_result(tmp_path, stop_at: int) -> None:
    heard, rest = Recording(stop_at), Recording()
    with pytest.raises(Stopped, match=f"stopped after step {stop_at} of"):
        _search(folder=tmp_path, hooks=heard)
    resumed = _search(folder=tmp_path, hooks=rest)
    assert heard.steps + rest.steps == list(range(1, rest.steps[-1] + 1))
    assert [row for _, row in heard.rows + rest.rows] == resumed.history
    assert resumed == _straight()


@pytest.mark.parametrize("changes", [
    {"strategy": "gumbel"}, {"strategy": "gdas", "beta_decay": 5.0}, {"strategy": "dirichlet", "dirichlet_kl": 1e-3},
    {"strategy": "single_path"}, {"order": "second", "constraint": "fixed"},
    {"partial_channels": 2, "edge_normalisation": True, "warmup_epochs": 1},
], ids=lambda changes: "-".join(map(str, changes.values())))
def test_every_kind_of_search_goes_on_bit_equal(tmp_path, changes: dict) -> None:
    """Stopped within the second of two epochs; alphas differ from plain softmax's, so the options do something."""
    settings = replace(SETTINGS, batch_size=256, **changes)
    straight = _search(FEW, settings=settings)
    with pytest.raises(Stopped):
        _search(FEW, settings=settings, folder=tmp_path, hooks=Recording(stop_at=3))
    assert _search(FEW, settings=settings, folder=tmp_path) == straight
    assert np.isfinite(straight.alphas).all()
    assert straight.alphas != _plain().alphas


def test_alphas_rest_while_they_warm_up() -> None:
    settings = replace(SETTINGS, warmup_epochs=1, batch_size=256, alpha_learning_rate=1e-8)
    found = _search(FEW, settings=settings)
    assert "alphas_loss" not in found.history[0]
    assert found.history[0]["multiplier/params"] == 0
    assert "alphas_loss" in found.history[1]


def test_the_hessian_is_looked_at_when_asked() -> None:
    found = _search(FEW, settings=replace(SETTINGS, batch_size=256, hessian_every=2))
    assert ["alpha_eigenvalue" in row for row in found.history] == [False, True]
    assert np.isfinite(found.history[1]["alpha_eigenvalue"])


def test_a_collapse_is_told_once_with_the_remedy(monkeypatch) -> None:
    monkeypatch.setattr(collapse, "SHARE", 0.0)  # every search looks collapsed, once no limit pushes
    with pytest.warns(UserWarning, match=r"search is collapsing: after epoch 1, .* set search\.beta_decay=50") as seen:
        search(SPACE, FEW, Budget(), [], replace(SETTINGS, epochs=3, batch_size=256), Recipe(crop_padding=0), 0,
               skeleton=SMALL)
    assert len(seen) == 1


def test_under_another_budget_it_goes_on_from_the_finished_supernet(tmp_path) -> None:
    """Few steps from a finished search under a loose limit bring the expected cost under a tight one."""
    loose, tight = Budget(params=400_000), Budget(params=110_000)
    settings = replace(SETTINGS, epochs=3, continued_epochs=2, alpha_learning_rate=0.05, multiplier_learning_rate=1.0)
    first = _search(budget=loose, settings=settings, folder=tmp_path / "first")
    again = _search(budget=tight, settings=settings.continued(), folder=tmp_path / "second", start=tmp_path / "first")
    assert len(again.history) == 2
    assert again.history[-1]["weights_loss"] < first.history[0]["weights_loss"]  # the weights had learnt
    assert again.history[-1]["expected_over_limit/params"] < 0.7 * 400_000 / 110_000
    with pytest.raises(UserError, match=r"made for other data, another space or another supernet .* without source="):
        _search(budget=tight, settings=replace(settings.continued(), bottleneck=2), start=tmp_path / "first")
    with pytest.raises(UserError, match=r"no supernet in .* to continue from; finish that search first"):
        _search(budget=tight, settings=settings, start=tmp_path / "nowhere")


def test_memory_is_predicted_and_running_out_names_the_batch_that_fits(monkeypatch) -> None:
    heard = Recording()
    _search(FEW, settings=replace(SETTINGS, epochs=1, batch_size=256), hooks=heard)
    assert re.fullmatch(r"  a step of 256 images takes about \d+ MiB beside what is loaded; [\d,]+ MiB are free",
                        *heard.messages)
    run = BilevelTrainer(SPACE, FEW, Budget(), [], SETTINGS, 0, SMALL, torch.device("cpu"), ALONE)
    memory = predict_memory(run, FEW, torch.device("cpu"))
    assert f" {memory.of(256) / 2**20:,.0f} MiB beside" in heard.messages[0]
    assert memory.of(200) - memory.of(100) == 100 * memory.per_image
    monkeypatch.setattr("dcanas.search.gradient.step_memory.free_bytes", lambda device: memory.of(40))

    def fail(*arguments, **options):
        raise torch.OutOfMemoryError("allocate memory")

    monkeypatch.setattr("dcanas.search.gradient.bilevel.BilevelTrainer.step_weights", fail)
    fits = int((0.9 * memory.of(40) - memory.fixed) // memory.per_image)
    with pytest.raises(UserError, match=rf"ran out .* search\.batch_size=128, .* set search\.batch_size={fits}\."):
        _search()


def test_checkpoints_of_another_search_are_refused(tmp_path) -> None:
    settings = replace(SETTINGS, epochs=1, batch_size=256)
    _search(FEW, settings=settings, folder=tmp_path)
    with pytest.raises(UserError, match=r"belong to other settings or other data; choose another run\.dir"):
        _search(FEW, settings=settings, folder=tmp_path, seed=5)


def test_a_search_that_diverges_says_why_and_keeps_the_last_checkpoint(tmp_path) -> None:
    wild = replace(SETTINGS, weight_learning_rate=10.0, weight_decay=1.0, momentum=0.9999, clip_norm=0, epochs=60)
    with pytest.raises(UserError, match=r"search loss became (nan|inf) at step .* search\.weight_learning_rate=10"):
        _search(settings=wild, folder=tmp_path)
    assert list(tmp_path.glob("step-*.pt"))


@pytest.mark.slow
def test_compiled_it_finds_the_same_and_is_compiled_once_per_kind_of_step(monkeypatch) -> None:
    """Mixing weights are inputs of what is compiled: other alphas are no reason to compile again."""
    own, counters = torch.compile, torch._dynamo.utils.counters
    monkeypatch.setattr(torch, "compile", lambda module, **more: own(module, backend="eager", fullgraph=True, **more))
    settings = replace(SETTINGS, epochs=4, batch_size=512, hessian_every=4)  # one batch per epoch
    counters.clear()
    compiled = _search(FEW, settings=replace(settings, compile=True))
    assert counters["stats"]["unique_graphs"] == 2  # of alphas and of weights, four steps each
    plain = _search(FEW, settings=settings)
    assert np.allclose(compiled.alphas, plain.alphas, atol=1e-6)
    assert compiled.history[-1]["alpha_eigenvalue"] == pytest.approx(plain.history[-1]["alpha_eigenvalue"], rel=1e-3)


def test_in_bfloat16_it_computes_less_exactly_and_learns_the_same() -> None:
    settings = replace(SETTINGS, epochs=1)
    full, half = _search(FEW, settings=settings), _search(FEW, settings=replace(settings, amp="bf16"))
    assert full.alphas != half.alphas
    assert half.history[0]["weights_loss"] == pytest.approx(full.history[0]["weights_loss"], rel=0.02)
    assert full == _search(FEW, settings=replace(settings, amp="off"))  # auto, on a CPU


def test_a_compiler_that_is_missing_is_named(monkeypatch) -> None:
    def broken(module, **more):
        def run(*arguments):
            raise torch._inductor.exc.InductorError(RuntimeError("No working C++ compiler found"), None)
        return run

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(UserError, match=r"search\.compile=true does not work here .*C\+\+ compiler.*compile=false"):
        _search(FEW, settings=replace(SETTINGS, compile=True))


def test_without_a_budget_nothing_pulls() -> None:
    found = search(SPACE, DATA, Budget(), [], SETTINGS, Recipe(crop_padding=0), 0, skeleton=SMALL)
    assert not any(key.startswith("multiplier") for key in found.history[-1])
    assert torch.tensor(found.alphas).isfinite().all()


@pytest.mark.parametrize(("field", "value", "message"), [
    ("epochs", 0, r"search\.epochs must be a whole number from 1 to 100000, got 0"),
    ("momentum", 1.5, r"search\.momentum must be a number from 0 to 0\.9999, got 1\.5"),
    ("strategy", "softmx", r"search\.strategy must be one of .*, got 'softmx'; did you mean 'softmax'"),
    ("name", "differentable", r"search\.name must be one of .*, got 'differentable'; did you mean 'differentiable'"),
    ("share", 1, r"search\.share must be true or false, got 1"),
])
def test_settings_out_of_range_are_named(field: str, value, message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(SETTINGS, **{field: value})
