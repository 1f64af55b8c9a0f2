"""What `dcanas feasibility` says of limits that a measurement would have to judge."""

from __future__ import annotations

import numpy as np
import pytest

import dcanas
from dcanas.costs import Budget, linear_counts
from dcanas.costs.feasibility import possible
from dcanas.costs.members import member_choices
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
SMALL = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "run.threads=1")


def test_nothing_is_measured_unasked(dcanas, tmp_path):
    """The share is that of the counted limit alone; even a limit that no machine keeps is no error unmeasured."""
    answer = dcanas("feasibility", *SMALL, "budget.latency_ms=1e-6", "budget.params=p50", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    assert "nothing was measured, so the limit on latency_ms is not judged; measure=true measures" in answer.out
    assert "% of them are within the limit." in answer.out
    assert not (tmp_path / "run").exists()
    counted = dcanas("feasibility", *SMALL, "budget.latency_ms=1", "budget.params=10", f"run.dir={tmp_path / 'run'}")
    assert counted.code == 2
    assert "params <= 10 binds" in counted.err


@pytest.mark.slow
def test_what_is_measured_is_certain_or_settled_by_three_candidates(dcanas, tmp_path):
    """A nanosecond is certainly out of reach; measured members are kept in the run directory."""
    asked = ("feasibility", *SMALL, "measure=true", f"run.root={tmp_path}")
    answer = dcanas(*asked, "budget.latency_ms=1e-6")
    assert answer.code == 2
    assert "latency_ms <= 1e-06 ms binds" in answer.err
    assert list(tmp_path.glob("*/latency/local-cpu/*"))
    wide = dcanas(*asked, "budget.latency_ms=1e3")
    assert wide.code == 0, wide.err
    assert "latency_ms" in wide.out
    assert "not judged" not in wide.out


def test_members_that_may_be_within_a_limit_although_their_bounds_are_not():
    """A prediction of 100,000 bounded by 150,000 may be 66,667: members up to 1.5 times the limit may keep it."""
    params = linear_counts(SPACE)["params"]
    cost = type(params)(params.base, params.table, "params", "", "predicted", None, 0.5)
    choices = member_choices(SPACE)
    values = params.values(choices)
    limit = float(np.percentile(values, 10))
    found = possible(SPACE, [cost], Budget(params=limit))
    assert len(found) == (values <= 1.5 * limit * (1 + 1e-12)).sum()
    assert params.values(found[:1])[0] == values.min()
    assert not len(possible(SPACE, [params], Budget(params=values.min() - 1)))


def test_from_python_an_unmeasured_limit_is_named(tmp_path):
    found = dcanas.feasibility("digits", budget={"latency_ms": 1e-6, "params": "8k"}, settings={
        "space": {"final_skeleton": {"channels": 4, "cells": 1}}})["local-cpu"]
    assert found.unmeasured == ("latency_ms",)
    assert found.budget == {"params": 8000}
    assert found.feasible


@pytest.mark.parametrize("value", ["maybe", "3"])
def test_measure_is_true_or_false(dcanas, value):
    answer = dcanas("feasibility", *SMALL, f"measure={value}")
    assert answer.code == 2
    assert f"measure must be true or false, got {value if value == '3' else repr(value)}" in answer.err
