"""Known devices are a basis for the networks their tables speak of, and for no others; learnt from tables with gaps."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.costs.members import member_choices
from dcanas.hardware import load_device, load_tables
from dcanas.hardware.latency.few_shot_fit import ask_table, learn_latency
from dcanas.hardware.latency.reference_devices import KNOWN, known_latencies
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")


def test_they_speak_of_their_own_networks_in_canonical_order(tables):
    found = known_latencies(SPACE, (3, 32, 32), 10, but="pixel3")
    assert list(found) == [name for name in KNOWN if name != "pixel3"]
    expected = load_tables()["silver_4114.latency_ms"].values(member_choices(SPACE))
    np.testing.assert_array_equal(found["silver_4114"], expected)


@pytest.mark.parametrize(("space", "shape", "classes", "skeleton"), [
    ("fbnet", (3, 32, 32), 10, {}),
    ("nasbench201", (3, 32, 32), 10, {"cells": 2}),
    ("nasbench201", (1, 32, 32), 10, {}),
    ("nasbench201", (3, 32, 32), 100, {}),
])
def test_of_other_networks_they_know_nothing(tables, space, shape, classes, skeleton):
    assert known_latencies(load_space(space), shape, classes, **skeleton) == {}


def test_without_tables_counts_have_to_do_and_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("DCANAS_TABLES", str(tmp_path))
    device = load_device("local-cpu")
    asked = []

    def ask(members):  # 1 ms and 2 ms per 3x3 convolution
        asked.extend(members)
        return {arch: 1.0 + 2 * arch.choices.count(3) for arch in members}

    predictor = learn_latency(SPACE, device, ask, (3, 32, 32), 10)
    assert len(asked) == len(set(asked)) == 10
    assert predictor.basis.startswith("operation counts and MACs alone, no imported table")
    assert predictor.domain.runtime == "local-cpu"
    for arch in asked:
        assert predictor.upper(arch) == 1.0 + 2 * arch.choices.count(3)


def test_a_table_with_gaps_is_refused_as_a_teacher(tables):
    ask = ask_table(load_tables()["edgetpu.latency_ms"])
    with pytest.raises(UserError, match=r"column edgetpu_latency has no latency_ms for \d,\d{3} codes, so it cannot be "
                                        r"predicted from a few of them; state costs\.latency_ms: looked up"):
        ask(list(SPACE.members()))


def test_spaces_whose_costs_do_not_add_up_are_refused():
    with pytest.raises(UserError, match=r"Costs of mobilenetv2 do not add up over its decisions.*latency_ms: measured"):
        learn_latency(load_space("mobilenetv2"), load_device("local-cpu"), lambda members: {}, (3, 32, 32), 10)
