"""Who answers for a latency: chosen by the profile in one place, from what is stored, and as the certificate says."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import numpy as np
import onnxruntime
import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_json
from dcanas.basics.hooks import Hooks
from dcanas.basics.keys import key_of
from dcanas.costs import Budget, LinearCost, Networks
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware import LatencyPredictor, choose_members, choose_source, latency_sources, load_device, load_tables
from dcanas.hardware.measuring.profile import summarise
from dcanas.hardware.measuring.profiler import PROTOCOL
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
SKELETON = {"channels": 4, "cells": 1}
NETWORKS = Networks(SPACE, (1, 8, 8), 10, SKELETON)
PRICES = np.array([0, 10, 200, 900, 50])  # microseconds of none, skip, 1x1, 3x3, pool, beside 1.5 ms


class Kept(Hooks):
    """Keeps the titles of stages and the messages."""

    def __init__(self):
        self.titles, self.messages = [], []

    def message(self, text):
        self.messages.append(text)

    @contextmanager
    def stage(self, title):
        self.titles.append(title)
        yield self


def predicted(name):
    device = load_device(name)
    return dataclasses.replace(device, costs={**device.costs, "latency_ms": "predicted"})


def true_ms(arch):
    return 1.5 + PRICES[list(arch.choices)].sum() / 1e3


def store(folder, arch, device):
    """Write a measurement as a run would have stored it: every single run takes the true time."""
    key = key_of(arch, SPACE.complete_skeleton(SKELETON), (1, 8, 8), 10, device, 2.5, 0, onnxruntime.__version__,
                 PROTOCOL)
    samples = np.full((12, 2, 5), round(true_ms(arch) * 1e6))
    profile = summarise(samples, f"{key}.onnx", "0" * 64, device.name, {"onnxruntime": onnxruntime.__version__})
    write_json(folder / f"{key}.json", {**dataclasses.asdict(profile), "architecture": SPACE.format(arch)})


def test_a_measured_latency_is_fitted_to_the_members_that_are_stored(tmp_path):
    device, hooks = load_device("local-cpu"), Kept()
    sources = choose_source(device, ["params", "latency_ms", "latency_p95_ms"], NETWORKS, lambda: tmp_path, 0, hooks)
    assert sources.kinds == dict.fromkeys(("latency_ms", "latency_p95_ms"), "fitted to measurements")
    assert sources.decided_by == dict.fromkeys(("latency_ms", "latency_p95_ms"), "measured")
    assert sources.measures
    choices = member_choices(SPACE)
    counts = np.stack([(choices == o).sum(axis=1) for o in range(1, 5)], axis=1)
    convolutions = np.array([0, 1, 9, 0])  # skip, 1x1, 3x3, pool: MACs go with the kernel's area
    picked = choose_members(counts, 12, np.random.default_rng(0), counts @ convolutions)
    for row in choices[picked]:
        store(tmp_path, as_architecture(SPACE, row), device)
    sources.prepare()
    assert not hooks.titles
    median, p95 = sources.costs()
    assert not list(tmp_path.glob("*.onnx"))  # nothing was exported, so nothing measured
    assert not hooks.titles
    assert hooks.messages[0].startswith("latency of members left out is predicted within 0 % on average (a line in ")
    assert hooks.messages[0].endswith("bounded by +0 %, from 12 measured")
    assert isinstance(median, LinearCost)
    assert (median.name, p95.name, median.source) == ("latency_ms", "latency_p95_ms", "predicted")
    for row in choices[::1000]:
        arch = as_architecture(SPACE, row)
        assert median.value(arch) == pytest.approx(true_ms(arch), rel=1e-4)
        assert p95.value(arch) == pytest.approx(true_ms(arch), rel=1e-4)
    arch = as_architecture(SPACE, choices[picked[0]])
    assert sources.broken(arch, Budget(latency_ms=1.01 * true_ms(arch), latency_p95_ms=0.99 * true_ms(arch))) == \
        ["latency_p95_ms"]
    assert sources.predictor is None
    assert sources.looked_up(arch) == sources.bounds(arch) == {}  # the delivered file's own measurement decides


def test_a_prediction_learns_from_what_is_measured_and_is_verified_by_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_TABLES", str(tmp_path))
    device, hooks = predicted("local-cpu"), Kept()
    sources = choose_source(device, ["latency_ms"], NETWORKS, lambda: tmp_path, 0, hooks)
    unmeasured = LatencyPredictor.of(SPACE, {}, member_choices(SPACE), (1, 8, 8), 10, "local-cpu", **SKELETON)
    for arch in unmeasured.choose(10, 0):
        store(tmp_path, arch, device)
    (predictor,) = sources.costs()
    assert predictor is sources.predictor
    assert not list(tmp_path.glob("*.onnx"))
    assert hooks.titles == ["Learning the latency of nasbench201 on local-cpu"]
    assert hooks.messages[0].startswith("latency is predicted from 10 networks measured, starting from operation "
                                        "counts and MACs alone")
    assert sources.kinds == {"latency_ms": "few-shot prediction"}
    assert sources.decided_by["latency_ms"] == "measured"
    for arch, value in predictor.measured.items():
        assert sources.ask(arch) == value == predictor.upper(arch) == pytest.approx(true_ms(arch))
    arch = next(iter(predictor.measured))
    limit = Budget(latency_ms=0.99 * true_ms(arch))
    assert sources.broken(arch, limit) == ["latency_ms"]
    assert sources.broken(arch, limit, predicted=False) == []
    assert sources.looked_up(arch) == {}
    assert sources.bounds(arch) == {"latency_ms": predictor.bound(arch)}


def test_a_prediction_of_the_table_s_own_networks_is_verified_by_the_table(tables):
    networks = Networks(SPACE, (3, 32, 32), 10)
    sources = choose_source(predicted("raspi4"), ["latency_ms"], networks, lambda: pytest.fail("measured"))
    (predictor,) = sources.costs()
    table = load_tables()["raspi4.latency_ms"]
    assert len(predictor.measured) == 7
    assert "9 known devices" in predictor.basis
    assert sources.kinds == {"latency_ms": "few-shot prediction of a table"}
    assert sources.decided_by == {"latency_ms": "looked up"}
    assert not sources.measures
    arch = as_architecture(SPACE, member_choices(SPACE)[5_000])
    assert sources.ask(arch) == sources.looked_up(arch)["latency_ms"] == table.value(arch)
    assert sources.broken(arch, Budget(latency_ms=0.99 * table.value(arch))) == ["latency_ms"]
    assert sources.bounds(arch)["latency_ms"] > predictor.value(arch)


def test_latency_and_energy_may_have_different_sources(tables):
    sources = choose_source(load_device("eyeriss"), ["energy_mj", "macs", "latency_ms"],
                            Networks(SPACE, (3, 32, 32), 10), lambda: pytest.fail("measured"))
    assert [cost.name for cost in sources.costs()] == ["latency_ms", "energy_mj"]
    arch = as_architecture(SPACE, member_choices(SPACE)[5_000])
    assert sources.looked_up(arch) == {name: load_tables()[f"eyeriss.{name}"].value(arch)
                                       for name in ("latency_ms", "energy_mj")}


def test_a_cost_without_a_source_is_refused():
    with pytest.raises(UserError, match="Unknown cost of device raspi4 'energy_mj'"):
        choose_source(load_device("raspi4"), ["energy_mj"], NETWORKS, lambda: pytest.fail("measured"))


@pytest.mark.parametrize("name", list(latency_sources.table))
def test_the_table_of_sources_says_what_they_are(name):
    source = latency_sources[name]
    assert source.name == name
    assert source.__doc__.splitlines()[0] == latency_sources.texts()[name]
