"""Derivation in the DARTS space: the published rule without a budget, brute force with one."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from dcanas.basics.errors import BudgetError
from dcanas.costs import Budget, count_architecture, count_costs
from dcanas.search import derive
from dcanas.spaces import load_space

SPACE = load_space("darts")
SKELETON = {"channels": 8, "cells": 5}
COSTS = {c.name: c for c in count_costs(SPACE, (3, 32, 32), 10, **SKELETON)}
EDGES = [(source, target) for target in (2, 3, 4, 5) for source in range(target)]


def _log_softmax(alphas: np.ndarray) -> np.ndarray:
    return alphas - np.log(np.exp(alphas).sum(axis=1, keepdims=True))


def _published_rule(alphas: np.ndarray) -> tuple[int, ...]:
    """Per node the two incoming edges whose largest softmax weight apart from `none` is largest, each with that
    operation (Liu et al., ICLR 2019, section 2.4). Rows: 14 edges of the normal, 14 of the reduction cell."""
    weights = np.exp(alphas) / np.exp(alphas).sum(axis=1, keepdims=True)
    choices = [0] * 28
    for offset, node in itertools.product((0, 14), (2, 3, 4, 5)):
        incoming = [offset + e for e, (_, target) in enumerate(EDGES) if target == node]
        strongest = sorted(incoming, key=lambda e: -weights[e, 1:].max())[:2]
        for e in strongest:
            choices[e] = 1 + int(weights[e, 1:].argmax())
    return tuple(choices)


def test_without_a_budget_it_is_the_published_rule() -> None:
    rng = np.random.default_rng(0)
    for spread in [0.001, 0.1, 1.0, 3.0] * 13:
        alphas = rng.normal(size=(28, 8)) * spread
        found = derive(SPACE, _log_softmax(alphas), Budget(), **SKELETON)
        assert found.architecture.choices == _published_rule(alphas)
        assert found.provenance["method"] == "integer programme"


def test_with_linear_limits_it_is_the_best_of_brute_force() -> None:
    """All of the reduction cell and nodes 4 and 5 of the normal cell are pinned by large scores, so that 7 x 7 codes of
    node 2 and 3 x 7 x 7 of node 3 remain: 7,203."""
    rng = np.random.default_rng(1)
    checked = 0
    for _ in range(6):
        pinned = SPACE.sample(rng).choices
        scores = rng.normal(size=(28, 8))
        for slot in range(5, 28):
            if pinned[slot]:
                scores[slot, pinned[slot]] += 1000
        node2 = list(itertools.product(range(1, 8), repeat=2))
        node3 = [tuple(0 if i == left_out else ops[i - (i > left_out)] for i in range(3))
                 for left_out in range(3) for ops in node2]
        codes = np.array([(*a, *b, *pinned[5:]) for a in node2 for b in node3])
        assert len(codes) == 7203
        columns = {name: COSTS[name].values(codes) for name in ("params", "macs")}
        limits = {name: float(np.quantile(values, rng.uniform(0.02, 0.6))) for name, values in columns.items()}
        kept = np.all([columns[name] <= limit for name, limit in limits.items()], axis=0)
        if not kept.any():
            continue
        values = sum(np.where(codes[:, i] == 0, 0, scores[i][codes[:, i]]) for i in range(28))
        found = derive(SPACE, scores, Budget(limits), **SKELETON).architecture
        assert found.choices == tuple(codes[kept][np.argmax(values[kept])])
        checked += 1
    assert checked >= 4


@pytest.mark.slow
def test_what_is_derived_is_within_the_budget_or_the_error_names_the_smallest() -> None:
    rng = np.random.default_rng(2)
    sample = [count_architecture(SPACE, SPACE.sample(rng), **SKELETON) for _ in range(200)]
    met = 0
    for _ in range(4):
        limits = {name: float(np.quantile([getattr(c, name) for c in sample], rng.uniform(0.02, 0.5)))
                  for name in rng.choice(["params", "macs", "peak_bytes", "weight_bytes"], size=2, replace=False)}
        try:
            found = derive(SPACE, _log_softmax(rng.normal(size=(28, 8))), Budget(limits), **SKELETON)
        except BudgetError as error:
            assert all(value > 0 for value in error.smallest.values())  # noqa: PT017
            continue
        counts = count_architecture(SPACE, found.architecture, **SKELETON)
        assert all(getattr(counts, name) <= limit for name, limit in limits.items())
        met += 1
    assert met >= 3
    least = min(c.params for c in sample)
    with pytest.raises(BudgetError, match="params <= 100 binds, its smallest feasible value is") as caught:
        derive(SPACE, np.zeros((28, 8)), Budget(params=100), **SKELETON)
    assert caught.value.smallest["params"] <= least


@pytest.mark.parametrize("names", [("params", "macs"), ("params", "peak_bytes")])
def test_the_judge_gets_a_hundred_feasible_candidates_in_seconds(names) -> None:
    rng = np.random.default_rng(3)
    sample = [count_architecture(SPACE, SPACE.sample(rng), **SKELETON) for _ in range(200)]
    budget = Budget({name: float(np.quantile([getattr(c, name) for c in sample], 0.4)) for name in names})
    seen = []

    def select(pool):
        seen.extend(pool)
        return pool[-1].architecture, {"decided_by": "the test"}

    start = time.process_time()
    found = derive(SPACE, _log_softmax(rng.normal(size=(28, 8))), budget, selector=select, **SKELETON)
    assert time.process_time() - start < 20  # a few seconds; room for a busy machine
    assert len({c.architecture for c in seen}) == len(seen) >= 100
    assert found.provenance["pool"] == len(seen)
    for candidate in seen:
        assert SPACE.architecture(candidate.architecture.choices) == candidate.architecture
        counts = count_architecture(SPACE, candidate.architecture, **SKELETON)
        assert all(getattr(counts, name) <= limit for name, limit in budget.items())
    largest = max(COSTS["params"].value(c.architecture) for c in seen)
    if names == ("params", "macs"):  # nobody sampled within the budget is larger than the programme's largest
        assert largest >= max(c.params for c in sample if c.params <= budget["params"] and c.macs <= budget["macs"])
