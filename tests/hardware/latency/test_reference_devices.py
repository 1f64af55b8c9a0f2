"""Reference devices are a basis for the networks that their tables list, and for no others; tables with gaps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.costs import Networks
from dcanas.costs.members import member_choices
from dcanas.hardware import choose_source, load_device, load_tables
from dcanas.hardware.latency.reference_devices import REFERENCE, reference_latencies
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")


def test_they_list_their_own_networks_in_canonical_order(tables):
    found = reference_latencies(Networks(SPACE, (3, 32, 32), 10), but="pixel3")
    assert list(found) == [name for name in REFERENCE if name != "pixel3"]
    expected = load_tables()["silver_4114.latency_ms"].values(member_choices(SPACE))
    np.testing.assert_array_equal(found["silver_4114"], expected)


@pytest.mark.parametrize(("space", "shape", "classes", "skeleton"), [
    ("fbnet", (3, 32, 32), 10, {}),
    ("nasbench201", (3, 32, 32), 10, {"cells": 2}),
    ("nasbench201", (1, 32, 32), 10, {}),
    ("nasbench201", (3, 32, 32), 100, {}),
])
def test_other_networks_have_no_reference(tables, space, shape, classes, skeleton):
    assert reference_latencies(Networks(load_space(space), shape, classes, skeleton)) == {}


def test_a_table_with_gaps_cannot_be_learnt_from(tables):
    device = load_device("edgetpu")
    device = dataclasses.replace(device, costs={**device.costs, "latency_ms": "predicted"})
    sources = choose_source(device, ["latency_ms"], Networks(SPACE, (3, 32, 32), 10), folder=Path)
    with pytest.raises(UserError, match=r"column edgetpu_latency has no latency_ms for \d,\d{3} codes, so it cannot be "
                                        r"predicted from a few of them; state costs\.latency_ms: looked up"):
        sources.by_cost["latency_ms"].ask(list(SPACE.members()))


def test_spaces_whose_costs_do_not_add_up_are_refused():
    device = load_device("local-cpu")
    device = dataclasses.replace(device, costs={**device.costs, "latency_ms": "predicted"})
    sources = choose_source(device, ["latency_ms"], Networks(load_space("mobilenetv2"), (3, 32, 32), 10), folder=Path)
    with pytest.raises(UserError, match=r"Costs of mobilenetv2 do not add up over its decisions.*latency_ms: measured"):
        sources.costs()
