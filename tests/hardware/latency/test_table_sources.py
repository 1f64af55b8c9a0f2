"""Costs of a device from published tables: looked up inside their domain, refused or predicted outside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, Networks
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware import choose_source, load_device, load_tables
from dcanas.hardware.latency.transferred import transferred
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
RASPI4 = load_device("raspi4")


def limited(device, names, shape, classes, **skeleton):
    """Return the sources of the limited costs; nothing can be measured, so no folder is asked for."""
    return choose_source(device, names, Networks(SPACE, shape, classes, skeleton), lambda: pytest.fail("measured"))


def test_looked_up_inside_the_domain(tables):
    sources = limited(RASPI4, ["params", "latency_ms"], (3, 32, 32), 10, channels=16, cells=5)
    (cost,) = sources.costs()
    assert cost.source == "looked up"
    assert cost is load_tables()["raspi4.latency_ms"]
    assert sources.kinds == {"latency_ms": "published table"}
    assert sources.decided_by == {"latency_ms": "looked up"}
    assert not sources.measures
    assert sources.predictor is None
    arch = as_architecture(SPACE, member_choices(SPACE)[100])
    assert sources.looked_up(arch) == {"latency_ms": cost.value(arch)}
    assert sources.broken(arch, Budget(latency_ms=cost.value(arch))) == []
    assert sources.broken(arch, Budget(latency_ms=0.99 * cost.value(arch))) == ["latency_ms"]
    assert sources.bounds(arch) == {}
    (cost,) = limited(RASPI4, ["latency_ms"], (3, 32, 32), 100).costs()
    assert cost.domain.num_classes == 100
    assert limited(RASPI4, [], (1, 8, 8), 10, cells=2).costs() == []  # no limit on it: nothing asked, nothing refused


@pytest.mark.parametrize(("shape", "classes", "skeleton", "words"), [
    ((1, 8, 8), 10, {}, "input_shape = (3, 32, 32), asked for (1, 8, 8)"),
    ((3, 32, 32), 7, {}, "num_classes = 10, asked for 7"),
    ((3, 32, 32), 10, {"cells": 2}, "skeleton = (('cells', 5), ('channels', 16)), asked for (('cells', 2)"),
])
def test_outside_it_refuses_and_names_the_way_out(tables, shape, classes, skeleton, words):
    with pytest.raises(UserError) as caught:
        limited(RASPI4, ["latency_ms"], shape, classes, **skeleton).costs()
    assert str(caught.value).startswith("latency_ms of raspi4 (HW-NAS-Bench, hw_nas_bench_cifar10.csv.gz, column ")
    assert words in str(caught.value)
    assert "costs.latency_ms: predicted, which is then reported as unverified." in str(caught.value)


def test_another_runtime_is_outside_too(tables):
    device = dataclasses.replace(RASPI4, runtime=dataclasses.replace(RASPI4.runtime, name="onnxruntime"))
    with pytest.raises(UserError, match=r"runtime = tflite, asked for onnxruntime"):
        limited(device, ["latency_ms"], (3, 32, 32), 10).costs()


def test_a_profile_naming_no_table(tables):
    device = dataclasses.replace(RASPI4, table="raspi3")
    with pytest.raises(UserError, match=r"raspi3\.latency_ms'; did you mean 'raspi4\.latency_ms'"):
        limited(device, ["latency_ms"], (3, 32, 32), 10).costs()


def test_the_predictor_keeps_near_its_own_table_and_scales_with_the_work(tables):
    cost = load_tables()["raspi4.latency_ms"]
    members = member_choices(SPACE)
    same = transferred(cost, Networks(SPACE, (3, 32, 32), 10))
    assert same.source == "predicted"
    assert np.mean(np.abs(same.values(members) / cost.values(members) - 1)) < 0.25
    assert np.mean(cost.values(members) <= same.uppers(members)) == pytest.approx(0.95, abs=0.005)
    small = transferred(cost, Networks(SPACE, (3, 16, 16), 10))
    assert (small.values(members) <= same.values(members)).all()
    assert small.values(members).mean() < 0.6 * same.values(members).mean()  # a quarter of the MACs
    device = dataclasses.replace(RASPI4, costs={**RASPI4.costs, "latency_ms": "predicted"})
    sources = limited(device, ["latency_ms"], (1, 8, 8), 10, cells=2)
    (asked,) = sources.costs()
    arch = as_architecture(SPACE, members[100])
    assert asked.source == sources.decided_by["latency_ms"] == "predicted"
    assert sources.kinds == {"latency_ms": "transferred table"}
    assert sources.bounds(arch) == {"latency_ms": asked.upper(arch)}
    assert sources.looked_up(arch) == {}
    assert sources.broken(arch, Budget(latency_ms=1e-9)) == []  # nothing can be asked
