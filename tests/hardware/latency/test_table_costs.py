"""Costs of a device from published tables: looked up inside their domain, refused or predicted outside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.costs.members import member_choices
from dcanas.hardware import load_device, load_tables
from dcanas.hardware.latency.table_costs import table_costs, transferred
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
RASPI4 = load_device("raspi4")


def test_looked_up_inside_the_domain(tables):
    (cost,) = table_costs(SPACE, RASPI4, ["latency_ms"], (3, 32, 32), 10, channels=16, cells=5)
    assert cost.source == "looked up"
    assert cost is load_tables()["raspi4.latency_ms"]
    (cost,) = table_costs(SPACE, RASPI4, ["latency_ms"], (3, 32, 32), 100)
    assert cost.domain.num_classes == 100
    assert not table_costs(SPACE, RASPI4, [], (1, 8, 8), 10, cells=2)  # no limit on it: nothing asked, nothing refused


@pytest.mark.parametrize(("shape", "classes", "skeleton", "words"), [
    ((1, 8, 8), 10, {}, "input_shape = (3, 32, 32), asked for (1, 8, 8)"),
    ((3, 32, 32), 7, {}, "num_classes = 10, asked for 7"),
    ((3, 32, 32), 10, {"cells": 2}, "skeleton = (('cells', 5), ('channels', 16)), asked for (('cells', 2)"),
])
def test_outside_it_refuses_and_names_the_way_out(tables, shape, classes, skeleton, words):
    with pytest.raises(UserError) as caught:
        table_costs(SPACE, RASPI4, ["latency_ms"], shape, classes, **skeleton)
    assert str(caught.value).startswith("latency_ms of raspi4 (HW-NAS-Bench, hw_nas_bench_cifar10.csv.gz, column ")
    assert words in str(caught.value)
    assert "costs.latency_ms: predicted, which is then reported as unverified." in str(caught.value)


def test_another_runtime_is_outside_too(tables):
    device = dataclasses.replace(RASPI4, runtime=dataclasses.replace(RASPI4.runtime, name="onnxruntime"))
    with pytest.raises(UserError, match=r"runtime = tflite, asked for onnxruntime"):
        table_costs(SPACE, device, ["latency_ms"], (3, 32, 32), 10)


def test_a_profile_naming_no_table(tables):
    device = dataclasses.replace(RASPI4, table="raspi3")
    with pytest.raises(UserError, match=r"raspi3\.latency_ms'; did you mean 'raspi4\.latency_ms'"):
        table_costs(SPACE, device, ["latency_ms"], (3, 32, 32), 10)


def test_the_predictor_keeps_near_its_own_table_and_scales_with_the_work(tables):
    cost = load_tables()["raspi4.latency_ms"]
    members = member_choices(SPACE)
    same = transferred(SPACE, cost, (3, 32, 32), 10)
    assert same.source == "predicted"
    assert np.mean(np.abs(same.values(members) / cost.values(members) - 1)) < 0.25
    assert np.mean(cost.values(members) <= same.uppers(members)) == pytest.approx(0.95, abs=0.005)
    small = transferred(SPACE, cost, (3, 16, 16), 10)
    assert (small.values(members) <= same.values(members)).all()
    assert small.values(members).mean() < 0.6 * same.values(members).mean()  # a quarter of the MACs
    device = dataclasses.replace(RASPI4, costs={**RASPI4.costs, "latency_ms": "predicted"})
    (asked,) = table_costs(SPACE, device, ["latency_ms"], (1, 8, 8), 10, cells=2)
    assert asked.source == "predicted"
