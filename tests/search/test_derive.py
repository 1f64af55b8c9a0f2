"""Derivation within a budget, against brute force over the whole space."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from chain_space import Chain

from dcanas.basics.errors import BudgetError, UserError
from dcanas.costs import Budget, Domain, LinearCost, count_architecture, linear_counts
from dcanas.costs.members import member_choices
from dcanas.search import derive
from dcanas.search.finalists import choose_finalist, nominate
from dcanas.search.pool import Candidate, make_pool
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")


def _place_independent(base: float, conv1: float, conv3: float, pool: float, name: str) -> LinearCost:
    """A cost that counts operations wherever they stand; options are none, skip, 1x1, 3x3, pool."""
    return LinearCost(base, ((0.0, 0.0, conv1, conv3, pool),) * 6, name, "ms", "looked up",
                      Domain.of(SPACE, (3, 32, 32), 10))


# Published look-up costs of two accelerators for the CIFAR-10 networks (HW-NAS-Bench, ICLR 2021), in ms.
EYERISS = _place_independent(1.67954, 0.24576, 1.47456, 1.47456, "eyeriss.latency_ms")
FPGA = _place_independent(1.13296, 0.51520, 1.25760, 0.40960, "fpga.latency_ms")


@pytest.mark.slow
def test_two_hundred_random_budgets_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    members = list(SPACE.members())
    counts = [count_architecture(SPACE, a) for a in members]
    ops = np.array([[a.choices.count(o) for o in (2, 3, 4)] for a in members])
    columns = {name: np.array([getattr(c, name) for c in counts], dtype=float)
               for name in ("params", "macs", "peak_bytes", "weight_bytes")}
    columns["eyeriss.latency_ms"] = 1.67954 + ops @ [0.24576, 1.47456, 1.47456]
    columns["fpga.latency_ms"] = 1.13296 + ops @ [0.51520, 1.25760, 0.40960]
    choices, place = member_choices(SPACE), {arch: i for i, arch in enumerate(members)}
    met = impossible = 0
    for _ in range(200):
        names = rng.choice(list(columns), size=rng.integers(1, 7), replace=False)
        limits = {}
        for n in names:
            low, high = columns[n].min(), columns[n].max()
            limits[n] = float(low + (high - low) * rng.uniform(-0.04, 1) * rng.uniform(0, 1))
        scores = rng.normal(size=(6, 5))
        kept = np.all([columns[n] <= limits[n] for n in names], axis=0)
        if kept.any():
            found = derive(SPACE, scores, Budget(limits), costs=(EYERISS, FPGA))
            at = place[found.architecture]
            assert all(columns[n][at] <= limits[n] for n in names)
            values = sum(scores[i][choices[:, i]] for i in range(6))
            assert values[at] == pytest.approx(values[kept].max())
            met += 1
            continue
        impossible += 1
        with pytest.raises(BudgetError) as error:
            derive(SPACE, scores, Budget(limits), costs=(EYERISS, FPGA))
        for n in names:
            others = np.all([columns[m] <= limits[m] for m in names if m != n] or [np.ones(len(members), bool)], axis=0)
            least = columns[n][others].min() if others.any() else columns[n].min()
            assert error.value.smallest[n] == pytest.approx(least, rel=1e-9)
        assert set(error.value.binding) <= set(names)
        assert all(name in str(error.value) for name in error.value.binding)
    assert met > 50
    assert impossible > 20


def test_without_a_budget_the_best_score_wins_and_dead_edges_are_gone() -> None:
    scores = np.zeros((6, 5))
    scores[:, 3] = 1
    assert SPACE.format(derive(SPACE, scores, Budget()).architecture).count("nor_conv_3x3") == 6
    only_last = np.zeros((6, 5))
    only_last[0, 3], only_last[3, 3] = 5, 4  # edge 0->1 leads nowhere unless 1->3 is used
    assert SPACE.is_member(derive(SPACE, only_last, Budget()).architecture)


def test_costs_of_the_answer_know_where_they_come_from() -> None:
    found = derive(SPACE, np.zeros((6, 5)), Budget({"eyeriss.latency_ms": 4}), costs=(EYERISS,))
    row = found.costs["eyeriss.latency_ms"]
    assert row["source"] == "looked up"
    assert row["unit"] == "ms"
    assert row["value"] <= 4
    assert found.costs["params"]["source"] == "counted"
    assert found.provenance["decided_by"] == "score"


def test_a_table_for_other_networks_is_refused() -> None:
    with pytest.raises(UserError, match=r"eyeriss\.latency_ms holds for num_classes = 10, asked for 100"):
        derive(SPACE, np.zeros((6, 5)), Budget({"eyeriss.latency_ms": 4}), num_classes=100, costs=(EYERISS,))


@pytest.mark.parametrize(("scores", "message"), [
    (np.zeros((5, 5)), "needs one score per option"),
    (np.full((6, 5), np.nan), "A score is NaN"),
])
def test_scores_of_another_form_are_refused(scores, message: str) -> None:
    with pytest.raises(UserError, match=message):
        derive(SPACE, scores, Budget())


def test_the_pool_holds_a_hundred_distinct_feasible_candidates_of_every_origin() -> None:
    feasible = member_choices(SPACE)[::3]
    pool = make_pool(SPACE, np.random.default_rng(0).normal(size=(6, 5)), feasible, 100, seed=0)
    assert len(pool) == len({c.architecture for c in pool}) == 100
    allowed = {tuple(row) for row in feasible.tolist()}
    assert all(c.architecture.choices in allowed for c in pool)
    assert {c.origin for c in pool} == {"score", "sample", "neighbour"}
    params = linear_counts(SPACE)["params"]
    with_largest = make_pool(SPACE, np.random.default_rng(0).normal(size=(6, 5)), feasible, 100, 0, [params])
    assert max(params.value(c.architecture) for c in with_largest) == params.values(feasible).max()
    few = member_choices(SPACE)[:7]
    assert len(make_pool(SPACE, np.zeros((6, 5)), few, 100, seed=0)) == 7


def test_finalists_are_the_best_by_score_and_the_largest() -> None:
    sizes = [linear_counts(SPACE)[name] for name in ("params", "macs")]
    pool = make_pool(SPACE, np.random.default_rng(1).normal(size=(6, 5)), member_choices(SPACE), 100, seed=0)
    named = nominate(pool, 4, sizes)
    assert [why for _, why in named] == ["score", "score", "largest params", "largest macs"]
    assert named[0][0].score == max(c.score for c in pool)
    largest = max(sizes[0].value(c.architecture) for c in pool if c not in (named[0][0], named[1][0]))
    assert sizes[0].value(named[2][0].architecture) == largest
    assert len(nominate(pool, 1000, sizes)) == 100


def test_the_selector_skips_what_measurement_refuses_and_reuses_what_is_known() -> None:
    sizes = [linear_counts(SPACE)["params"]]
    examined = []

    def examine(archs, done, total):
        assert (len(archs), done, total) == (5, 0, 5) or not archs
        for text, arch in archs.items():
            examined.append(arch)
            yield text, {"validation_accuracy": 0.5 + 0.1 * (arch.choices.count(3) == 2), "validation_loss": 1.0}

    def verify(arch):
        return ["latency_ms"] if arch.choices.count(3) > 2 else []

    selector = partial(choose_finalist, SPACE, 5, sizes, examine, verify=verify)
    scores = np.zeros((6, 5))
    scores[:, 3] = 1
    found = derive(SPACE, scores, Budget(), selector=selector)
    assert found.architecture.choices.count(3) == 2
    assert len(examined) == 5 == len(found.provenance["finalists"])
    assert found.provenance["refused_by_measurement"][0]["broken"] == ["latency_ms"]
    known = {f["architecture"]: {"validation_accuracy": 0.1, "validation_loss": 1.0}
             for f in found.provenance["finalists"]}
    known[found.provenance["finalists"][-1]["architecture"]]["validation_accuracy"] = 0.9
    examined.clear()
    selector = partial(choose_finalist, SPACE, 5, sizes, examine, verify=verify, stored=known)
    again = derive(SPACE, scores, Budget(), selector=selector)
    assert examined == []
    assert SPACE.format(again.architecture) == found.provenance["finalists"][-1]["architecture"]
    with pytest.raises(UserError, match=r"None of the \d+ candidates keeps latency_ms when measured"):
        derive(SPACE, scores, Budget(),
               selector=partial(choose_finalist, SPACE, 5, sizes, examine, verify=lambda arch: ["latency_ms"]))


def test_a_vote_keeps_its_say_among_the_finalists() -> None:
    """Votes 4 3 2 1, trained to .50 .53 .55 .54: ranks from the worst 3+0, 2+1, 1+3, 0+2, so the third."""
    pool = [Candidate(SPACE.architecture(choices), float(votes), "random") for votes, choices in
            ((4, (3, 3, 3, 3, 3, 3)), (3, (3, 3, 3, 3, 3, 2)), (2, (3, 3, 3, 3, 2, 2)), (1, (3, 3, 3, 2, 2, 2)))]
    accuracy = dict(zip((c.architecture for c in pool), (0.50, 0.53, 0.55, 0.54), strict=True))

    def chosen(ranked: bool) -> float:
        def examine(archs, done, total):
            return ((text, {"validation_accuracy": accuracy[arch], "validation_loss": 1.0})
                    for text, arch in archs.items())

        select = partial(choose_finalist, SPACE, 4, [], examine, ranked=ranked)
        return next(c.score for c in pool if c.architecture == select(pool)[0])

    assert (chosen(True), chosen(False)) == (2, 2)
    accuracy[pool[3].architecture] = 0.56  # 3+0, 2+1, 1+2, 0+3: all equal, so the vote; trained alone the fourth
    assert (chosen(True), chosen(False)) == (4, 1)
    accuracy[pool[1].architecture] = 0.555  # 3+0, 2+2, 1+1, 0+3
    assert (chosen(True), chosen(False)) == (3, 1)


def test_finalists_are_different_networks() -> None:
    """A skip followed by a convolution is the convolution: two codes, one canonical class, one finalist."""
    found = derive(SPACE, np.zeros((6, 5)), Budget(), pool_size=300, selector=partial(
        choose_finalist, SPACE, 120, [], lambda archs, done, total: [
            (text, {"validation_accuracy": 0.5, "validation_loss": 1.0}) for text in archs]))
    classes = [SPACE.canonical(SPACE.parse(f["architecture"])) for f in found.provenance["finalists"]]
    assert len(classes) == len(set(classes)) == 120


def test_large_spaces_by_integer_programme_equal_brute_force() -> None:
    """Five layers of five options can be listed here: 3,125 codes, all alive but one."""
    space = Chain(5)
    rng = np.random.default_rng(4)
    codes = [space.architecture(c) for c in np.ndindex(*(5,) * 5) if any(c)]
    counts = [count_architecture(space, a, (3, 8, 8)) for a in codes]
    checked = 0
    for _ in range(6):
        scores = rng.normal(size=(5, 5))
        values = np.array([sum(scores[i][c] for i, c in enumerate(a.choices)) for a in codes])
        limits = {"params": float(rng.uniform(100, 1500)), "peak_bytes": float(rng.choice([4096, 6144, 8192]))}
        kept = np.array([c.params <= limits["params"] and c.peak_bytes <= limits["peak_bytes"] for c in counts])
        if not kept.any():
            with pytest.raises(UserError, match="within the budget"):  # a cost that is not linear proves nothing
                derive(space, scores, Budget(limits), (3, 8, 8))
            continue
        found = derive(space, scores, Budget(limits), (3, 8, 8))
        at = codes.index(found.architecture)
        assert kept[at]
        assert found.provenance["method"] == "integer programme"
        alone = derive(space, scores, Budget(params=limits["params"]), (3, 8, 8)).architecture
        only_params = np.array([c.params <= limits["params"] for c in counts])
        assert values[codes.index(alone)] == pytest.approx(values[only_params].max())
        checked += 1
    assert checked >= 3
