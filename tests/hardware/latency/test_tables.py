"""Published tables: their traps, their domains, and derive under them against brute force."""

from __future__ import annotations

import csv
import gzip
import shutil

import numpy as np
import pytest

from dcanas.basics.errors import BudgetError, UserError
from dcanas.costs import Budget, Domain, LinearCost, feasibility
from dcanas.costs.feasibility import percentile
from dcanas.costs.members import member_choices
from dcanas.hardware import load_tables
from dcanas.search import derive
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
METRICS = ("edgegpu.latency_ms", "edgegpu.energy_mj", "raspi4.latency_ms", "edgetpu.latency_ms", "pixel3.latency_ms",
           "eyeriss.latency_ms", "eyeriss.energy_mj", "fpga.latency_ms", "fpga.energy_mj")
FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


@pytest.fixture(scope="module")
def costs(tables):
    return load_tables(folder=tables)


def test_published_values_of_the_first_architecture(costs):
    """As queried from the official API of HW-NAS-Bench."""
    arch = SPACE.parse(FIRST)
    found = {name: costs[name].value(arch) for name in METRICS}
    assert found == pytest.approx({
        "edgegpu.latency_ms": 5.8074, "edgegpu.energy_mj": 24.2266, "raspi4.latency_ms": 10.4820,
        "edgetpu.latency_ms": 0.9572, "pixel3.latency_ms": 3.60585, "eyeriss.latency_ms": 3.64562,
        "eyeriss.energy_mj": 0.68728, "fpga.latency_ms": 2.57296, "fpga.energy_mj": 18.01072}, rel=1e-4)
    assert (costs["raspi4.latency_ms"].source, costs["raspi4.latency_ms"].unit) == ("looked up", "ms")
    assert "raspi4_latency" in costs["raspi4.latency_ms"].provenance


def test_edge_tpu_cannot_compile_a_third(costs, tables):
    """4,699 of 15,625 entries are -1: not available, so infinitely dear and in no budget, never the fastest."""
    with gzip.open(tables / "hw_nas_bench_cifar10.csv.gz", "rt") as file:
        missing = [row["architecture"] for row in csv.DictReader(file) if float(row["edgetpu_latency"]) == -1]
    assert len(missing) == 4_699
    cost = costs["edgetpu.latency_ms"]
    assert not any(cost.available(SPACE.parse(text)) for text in missing)
    answer = feasibility(SPACE, [cost], Budget(latency_ms=1e9))
    members = {SPACE.format(a) for a in SPACE.members()}
    assert answer.share == 1 - len(members & set(missing)) / len(members)
    assert 0.3 < answer.ranges[0].minimum < answer.ranges[0].maximum < 3  # ms; the raw minimum is -1
    with pytest.raises(BudgetError, match=r"its smallest feasible value is 0\.36"):
        derive(SPACE, np.zeros((6, 5)), Budget(latency_ms=0.3), costs=[cost])


def test_dead_codes_are_no_bargain(costs):
    """341 codes have no path from input to output; raspi4 says .011 ms for some of them, the living begin at 2.5."""
    dead = [a for a in SPACE.enumerate() if SPACE.is_dead(a)]
    assert len(dead) == 341
    for name in METRICS:
        assert not any(costs[name].available(a) for a in dead)
    cheapest = {name: np.min(costs[name].table) for name in ("raspi4.latency_ms", "pixel3.latency_ms")}
    assert cheapest["raspi4.latency_ms"] == pytest.approx(2.53, abs=0.01)
    assert cheapest["pixel3.latency_ms"] == pytest.approx(1.06, abs=0.01)


def test_eyeriss_has_ties_and_fpga_energy_is_seven_times_its_latency(costs):
    members = member_choices(SPACE)
    assert 1 < len(np.unique(costs["eyeriss.latency_ms"].values(members).round(9))) <= 27
    np.testing.assert_allclose(costs["fpga.energy_mj"].values(members),
                               7 * costs["fpga.latency_ms"].values(members), rtol=1e-12)


def test_tied_limits_keep_all_who_are_at_them(costs):
    """A limit that is itself a table value admits everybody who has it."""
    cost = costs["eyeriss.latency_ms"]
    values = cost.values(member_choices(SPACE))
    for limit in np.unique(values)[:5]:
        answer = feasibility(SPACE, [cost], Budget(latency_ms=float(limit)))
        assert answer.share == np.mean(values <= limit)


def linear_fit(cost):
    """Return base and price per option that fit a table of the members best, and the largest relative residual."""
    members = member_choices(SPACE)
    values = cost.values(members)
    design = np.column_stack([np.ones(len(members)), *((members == o).sum(axis=1) for o in range(1, 5))])
    weights = np.linalg.lstsq(design, values, rcond=None)[0]
    linear = LinearCost(weights[0], ((0.0, *weights[1:]),) * 6, cost.name, relative_error=1e-6)
    return linear, np.abs(design @ weights / values - 1).max()


@pytest.mark.parametrize(("name", "base", "prices"), [  # 1x1, 3x3, pool
    ("eyeriss.latency_ms", 1.67954, (0.24576, 1.47456, 1.47456)),
    ("fpga.latency_ms", 1.13296, (0.51520, 1.25760, 0.40960)),
    ("eyeriss.energy_mj", 0.3470, (0.0312, 0.3132, 0.2778)),
    ("fpga.energy_mj", 7.9307, (3.6064, 8.8032, 2.8672)),
])
def test_linear_tables_are_exact(costs, name, base, prices):
    linear, residual = linear_fit(costs[name])
    assert residual < 1e-6
    digits = 1e-5 if name.endswith("ms") else 5e-5
    assert linear.base == pytest.approx(base, abs=digits)
    assert linear.table[3] == pytest.approx((0, 0, *prices), abs=digits)


def test_the_others_are_not_linear(costs):
    for name in ("raspi4.latency_ms", "pixel3.latency_ms", "edgegpu.latency_ms"):
        assert linear_fit(costs[name])[1] > 0.01


@pytest.mark.parametrize("name", ["eyeriss.latency_ms", "fpga.latency_ms"])
def test_derive_under_linear_tables_equals_brute_force(costs, name):
    """100 random limits and scores: the best total score among members whose table entry keeps the limit."""
    members = member_choices(SPACE)
    table = costs[name].values(members)
    linear, _ = linear_fit(costs[name])
    rng = np.random.default_rng(0)
    for trial in range(100):
        limit = float(rng.uniform(table.min(), table.max())) if trial % 2 else float(rng.choice(table))
        scores = rng.normal(size=(6, 5))
        total = scores[np.arange(6), members].sum(axis=1)
        expected = total[table <= limit].max()
        cost = linear if trial % 2 else costs[name]  # at a limit that is itself a value the table decides
        found = derive(SPACE, scores, Budget(latency_ms=limit), costs=[cost]).architecture
        assert scores[np.arange(6), list(found.choices)].sum() == pytest.approx(expected)
        assert costs[name].value(found) <= limit


def test_whatever_is_derived_is_feasible_at_low_percentiles(costs):
    rng = np.random.default_rng(1)
    for name in METRICS:
        cost = costs[name]
        for percent in (5, 10, 25, 50):
            limit = percentile(SPACE, cost, percent)
            found = derive(SPACE, rng.normal(size=(6, 5)), Budget({cost.name: limit}), costs=[cost])
            assert cost.value(found.architecture) <= limit
            assert not SPACE.is_dead(found.architecture)


def test_whatever_is_derived_under_pairs_of_limits_is_feasible_or_refused_rightly(costs):
    rng = np.random.default_rng(2)
    members = member_choices(SPACE)
    answers = {"found": 0, "refused": 0}
    for _ in range(100):
        latency = costs[METRICS[int(rng.choice([0, 2, 3, 4, 5, 7]))]]
        energy = costs[METRICS[int(rng.choice([1, 6, 8]))]]
        budget = Budget({c.name: percentile(SPACE, c, float(rng.uniform(2, 60))) for c in (latency, energy)})
        within = np.logical_and(latency.values(members) <= budget["latency_ms"],
                                energy.values(members) <= budget["energy_mj"])
        try:
            found = derive(SPACE, rng.normal(size=(6, 5)), budget, costs=[latency, energy]).architecture
            assert latency.value(found) <= budget["latency_ms"]
            assert energy.value(found) <= budget["energy_mj"]
            answers["found"] += 1
        except BudgetError:
            assert not within.any()
            answers["refused"] += 1
    assert answers["found"] > 50


def test_expected_cost_is_the_table_at_one_hot_and_leads_away_from_what_is_not_available(costs):
    cost = costs["edgetpu.latency_ms"]
    arch = SPACE.parse(FIRST)
    one_hot = [np.eye(5)[c] for c in arch.choices]
    assert cost.expected(one_hot) == pytest.approx(cost.value(arch))
    dead = [np.eye(5)[0]] * 6
    assert cost.expected(dead) == cost.table[np.isfinite(cost.table)].max()
    assert np.isfinite(cost.expected([np.full(5, 0.2)] * 6))


def test_a_table_answers_for_its_own_networks_only(costs):
    cost = costs["raspi4.latency_ms"]
    for asked, words in (
            (Domain.of(SPACE, (3, 32, 32), 100), "num_classes = 10, asked for 100"),
            (Domain.of(SPACE, (3, 16, 16), 10), "input_shape = (3, 32, 32), asked for (3, 16, 16)"),
            (Domain.of(SPACE, (3, 32, 32), 10, cells=2), "skeleton = "),
            (Domain.of(SPACE, (3, 32, 32), 10, runtime="onnxruntime"), "runtime = tflite, asked for onnxr")):
        with pytest.raises(UserError) as caught:
            cost.domain.require(asked, cost.name)
        assert words in str(caught.value)
    with pytest.raises(UserError, match="skeleton"):
        derive(SPACE, np.zeros((6, 5)), Budget(latency_ms=20), costs=[cost], cells=2)
    assert load_tables("cifar100")["raspi4.latency_ms"].domain.num_classes == 100
    with pytest.raises(UserError, match=r"are for cifar10 and cifar100, not 'digits'"):
        load_tables("digits")


def test_batches_are_part_of_the_domain(costs):
    assert costs["1080ti_32.latency_ms"].domain.batch == 32
    assert costs["gold_6226.latency_ms"].domain.batch == 1  # 6226 is the processor


def _rewrite(source, target, change):
    with gzip.open(source, "rt") as file:
        lines = file.read().splitlines()
    with gzip.open(target, "wt") as file:
        file.write("\n".join(change(lines)) + "\n")


@pytest.mark.parametrize(("change", "words"), [
    (lambda lines: lines[:-1], "has 15,624 rows instead of 15,625"),
    (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "is in another order: row 0 is"),
    (lambda lines: [lines[0].replace("raspi4_latency", "raspi5_latency"), *lines[1:]],
     "lacks the column raspi4_latency"),
    (lambda lines: [lines[0], lines[1].replace("10.481976820010459", "fast"), *lines[2:]],
     "column raspi4_latency holds 'fast', which is not a number"),
    (lambda lines: [lines[0], lines[1].replace("10.481976820010459", "nan"), *lines[2:]],
     "column raspi4_latency holds no number; import the table again."),
    (lambda lines: [lines[0], *(_in_seconds(line) for line in lines[1:])],
     "raspi4_latency should be milliseconds, but its median is 0.0257: it looks like seconds; convert it."),
])
def test_a_wrong_table_is_refused_in_one_sentence(tables, tmp_path, change, words):
    _rewrite(tables / "hw_nas_bench_cifar10.csv.gz", tmp_path / "hw_nas_bench_cifar10.csv.gz", change)
    with pytest.raises(UserError) as caught:
        load_tables(folder=tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hw_nas_bench_cifar10.csv.gz" in str(caught.value)


def _in_seconds(line: str) -> str:
    cells = line.split(",")
    return ",".join([*cells[:4], str(float(cells[4]) / 1000), *cells[5:]])


def test_absent_or_damaged_tables_are_named(tables, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"no table .*hw_nas_bench_cifar10\.csv\.gz; import it, set DCANAS_TABLES"):
        load_tables(folder=tmp_path)
    (tmp_path / "hw_nas_bench_cifar10.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(UserError, match=r"is not a CSV table"):
        load_tables(folder=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tables / "hw_nas_bench_cifar10.csv.gz", other)
    np.savez(other / "nasbench201_latency_devices.npz", raspi4=np.array([{"a": 1}] * 15_625, dtype=object))
    with pytest.raises(UserError, match=r"is not an npz file of plain arrays"):
        load_tables(folder=other)
    monkeypatch.setenv("DCANAS_TABLES", str(tmp_path / "absent"))
    with pytest.raises(UserError, match=r"The published tables are not in .*absent; set DCANAS_TABLES"):
        load_tables()
