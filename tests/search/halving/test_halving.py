"""Successive halving: its rungs by arithmetic, its nominees against every member in turn."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dcanas.basics.hooks import QUIET
from dcanas.costs import Budget, count_architecture, count_costs
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.search.halving.halving_settings import HalvingSettings
from dcanas.search.halving.measured import HEADROOM, expected_use, measured_within, nominees_within
from dcanas.search.halving.nominate import AFTER_STAGE, INSIDE, THIN, WITHOUT, nominate, patterns, sides
from dcanas.search.halving.rungs import FineTuning, Tuning, halve, rungs
from dcanas.training import DataSpec, Recipe, load_data

LIMIT = 12e6  # MACs


@pytest.fixture(scope="module")
def parts() -> PretrainedParts:
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))


@pytest.mark.parametrize(("candidates", "first", "keep", "epochs", "plan"), [
    (8, 4, 0.5, 32, [(8, 4), (4, 8), (2, 16), (2, 32)]),  # two are compared at the recipe's end
    (12, 2, 0.5, 8, [(12, 2), (6, 4), (3, 8)]),
    (5, 4, 0.5, 20, [(5, 4), (3, 8), (2, 16), (2, 20)]),
    (9, 1, 0.34, 8, [(9, 1), (4, 2), (2, 4), (2, 8)]),
    (2, 40, 0.5, 32, [(2, 32)]), (1, 4, 0.5, 32, [(1, 4)])])
def test_rungs_halve_the_candidates_and_double_the_epochs(candidates, first, keep, epochs, plan) -> None:
    settings = HalvingSettings(first_epochs=first, keep=keep)
    assert rungs(settings, candidates, epochs) == plan


def test_the_worse_half_is_dropped_and_nothing_is_examined_twice(parts) -> None:
    archs = [parts.encode(chain._replace(resolution=64)) for _, chain in list(patterns(parts))[:4]]
    names = {arch: "abcd"[i] for i, arch in enumerate(archs)}
    accuracy = {"a": (0.5, 0.9), "b": (0.6, 0.7), "c": (0.6, 0.8), "d": (0.1, 0.0)}  # after 1 and after 2 epochs
    asked: list[tuple[str, int]] = []
    dropped: list[str] = []

    def examine(items, done, total):
        for key, (arch, epochs, _) in items.items():
            asked.append((names[arch], epochs))
            loss = {"b": 2.0, "c": 1.0}.get(names[arch], 0.0)
            yield key, {"validation_accuracy": accuracy[names[arch]][epochs - 1], "validation_loss": loss}

    stored: dict[str, dict] = {"a, 1 epochs": {"validation_accuracy": 0.5, "validation_loss": 0.0}}
    best, made = halve(archs, [(4, 1), (2, 2)], examine, names.__getitem__, stored,
                       lambda arch: dropped.append(names[arch]))
    assert names[best] == "c"  # of b and c, equal after one epoch
    assert asked == [("b", 1), ("c", 1), ("d", 1), ("c", 2), ("b", 2)]
    assert [[row["architecture"] for row in rung["networks"]] for rung in made] == [["c", "b", "a", "d"], ["c", "b"]]
    assert dropped == ["a", "d", "b"]


def test_nominees_take_the_largest_image_that_the_limit_allows(parts) -> None:
    def macs(arch) -> int:
        return count_architecture(parts, arch, (3, 32, 32), 10, **parts.pretrained.skeleton).macs

    nominees = nominate(parts, lambda arch: macs(arch) / LIMIT, 10)
    assert len(nominees) == 10
    for nominee in nominees:
        chain = parts.chain(nominee.architecture)
        assert macs(nominee.architecture) <= LIMIT
        larger = chain._replace(resolution=chain.resolution + 8)
        assert larger.resolution > max(sides(parts)) or macs(parts.encode(larger)) > LIMIT
        assert nominee.use == macs(nominee.architecture) / LIMIT
    stages = {len(parts.chain(each.architecture).stages) for each in nominees if each.kind == AFTER_STAGE}
    assert stages == {3, 4, 5, 6, 7}  # the cuts that everybody knows are always there
    for kind in (INSIDE, WITHOUT):
        chosen = [each.use for each in nominees if each.kind == kind]
        every = [largest_use(parts, chain, macs) for found, chain in patterns(parts)
                 if found == kind and len(chain.stages) >= 3]
        assert chosen == sorted(every, reverse=True)[:len(chosen)]  # those nearest below the limit
    assert [parts.format(each.architecture) for each in nominate(parts, lambda arch: macs(arch) / 5e5, 3)] == [
        "r32-s32 | t1c16n1s1k3 | n0 | n0 | n0 | n0 | n0 | n0 | h0"]  # all that so few allow

    def params(arch) -> int:
        return count_architecture(parts, arch, (3, 32, 32), 10, **parts.pretrained.skeleton).params

    smallest = params(parts.extremes()[1])
    thin = nominate(parts, lambda arch: max(macs(arch) / 1.2e6, 12 / len(parts.chain(arch).stages) ** 2), 4)
    assert thin  # four stages in so few multiplications: whole blocks would take more
    assert all(nominee.kind == THIN and params(nominee.architecture) > smallest for nominee in thin)
    for nominee in thin:
        kinds = [kind for stage in parts.chain(nominee.architecture).stages for kind in stage.blocks]
        assert all(kind.kernel == 3 and kind.expansion <= 4 for kind in kinds)


def largest_use(parts, chain, macs) -> float:
    return max((share for side in sides(parts) if (share := macs(parts.encode(chain._replace(resolution=side))) /
                                                   LIMIT) <= 1), default=0.0)


def test_patterns_are_parts_of_the_network(parts) -> None:
    """Lite0 has 16 blocks, hence 16 cuts, 7 of them after a stage; blocks left out are residual and not the last."""
    found = list(patterns(parts))
    assert [kind for kind, _ in found].count(AFTER_STAGE) == 7
    assert [kind for kind, _ in found].count(INSIDE) == 9
    # residual blocks before the last block of a cut after stages 1 to 7: 0, 0, 1, 3, 5, 8, 9
    assert [kind for kind, _ in found].count(WITHOUT) == 0 + 0 + 1 + 3 + 5 + 8 + 9
    for _, chain in found:
        arch = parts.encode(chain)
        assert parts.is_member(arch)
        parts.build(arch, 3)  # takes its weights over, or raises


class Source:
    """A latency that was measured to be so many times what is predicted."""

    cost, decided_by = "latency_ms", "measured"

    def __init__(self, model, factor: float):
        self.model, self.factor, self.asked = model, factor, []

    def measure(self, members, seconds):
        self.asked.append([*members])
        return {arch: SimpleNamespace(upper=lambda cost, arch=arch: self.factor * self.model.value(arch))
                for arch in members}


@pytest.mark.parametrize(("factor", "macs_limit"), [(1.0, None), (0.6, None), (1.7, None), (0.5, 8e6)])
def test_a_measured_limit_moves_every_candidate_to_the_image_that_it_allows(parts, factor, macs_limit) -> None:
    """A millisecond per 10 million MACs was predicted; the measurement says another number, the same for all."""
    macs = next(cost for cost in count_costs(parts, (3, 32, 32), 10, **parts.pretrained.skeleton)
                if cost.name == "macs")
    predicted = SimpleNamespace(name="latency_ms", value=lambda arch: macs.value(arch) / 1e7)
    source = Source(predicted, factor)
    budget = Budget({"latency_ms": 1.2, **({"macs": macs_limit} if macs_limit else {})})
    latency = SimpleNamespace(by_cost={"latency_ms": source}, decided_by={"latency_ms": "measured"})
    target = SimpleNamespace(name="here", budget=budget, costs=[macs, predicted], latency=latency)
    nominees = nominate(parts, expected_use(target), 6)
    kept, refused = measured_within(parts, target, nominees, QUIET)
    limit = min(1.2e7 / factor, macs_limit or float("inf"))
    smallest = [macs.value(parts.encode(parts.chain(each.architecture)._replace(resolution=32))) for each in nominees]
    possible = sum(value <= limit for value in smallest)
    assert (len(kept), len(refused)) == (possible, len(nominees) - possible)
    with_headroom = min(HEADROOM * 1.2e7 / factor, macs_limit or float("inf"))
    for nominee in kept:
        chain = parts.chain(nominee.architecture)
        assert macs.value(nominee.architecture) <= (limit if chain.resolution == 32 else with_headroom)
        larger = parts.encode(chain._replace(resolution=chain.resolution + 8))
        assert macs.value(larger) > with_headroom
    assert len(source.asked) <= 2


def test_what_no_image_makes_fast_enough_is_refused_with_the_limit_it_broke(parts) -> None:
    macs = next(cost for cost in count_costs(parts, (3, 32, 32), 10, **parts.pretrained.skeleton)
                if cost.name == "macs")
    predicted = SimpleNamespace(name="latency_ms", value=lambda arch: macs.value(arch) / 1e7)
    latency = SimpleNamespace(by_cost={"latency_ms": Source(predicted, 50.0)}, decided_by={"latency_ms": "measured"})
    target = SimpleNamespace(name="here", budget=Budget({"latency_ms": 1.2}), costs=[predicted], latency=latency)
    kept, refused = measured_within(parts, target, nominate(parts, expected_use(target), 2), QUIET)
    assert kept == []
    assert {tuple(each["broken"]) for each in refused} == {("latency_ms",)}


def test_for_those_that_a_measurement_refuses_the_next_are_measured(parts) -> None:
    """Networks of six stages and more take four times what is predicted: no image is small enough for them."""
    macs = next(cost for cost in count_costs(parts, (3, 32, 32), 10, **parts.pretrained.skeleton)
                if cost.name == "macs")
    predicted = SimpleNamespace(name="latency_ms", value=lambda arch: macs.value(arch) / 1e7)
    actual = SimpleNamespace(value=lambda arch: predicted.value(arch) * (4 if len(parts.chain(arch).stages) > 5 else 1))
    source = Source(actual, 1.0)
    latency = SimpleNamespace(by_cost={"latency_ms": source}, decided_by={"latency_ms": "measured"})
    target = SimpleNamespace(name="here", budget=Budget({"latency_ms": 0.9}), costs=[predicted], latency=latency)
    kept, refused = nominees_within(parts, target, 8, QUIET)
    assert len(kept) == 8
    assert all(len(parts.chain(each.architecture).stages) <= 5 for each in kept)
    assert all(len(parts.chain(parts.parse(each["architecture"])).stages) > 5 for each in refused)
    assert {each.kind for each in kept} == {AFTER_STAGE, INSIDE, WITHOUT}
    asked = [arch for members in source.asked for arch in members]
    assert len(asked) == len(set(asked))


def test_a_counted_limit_is_never_exceeded_where_a_prediction_may_be(parts) -> None:
    """At 32 pixels the whole network has 7.9 million MACs. Measured latency: half of what is predicted."""
    macs = next(cost for cost in count_costs(parts, (3, 32, 32), 10, **parts.pretrained.skeleton)
                if cost.name == "macs")
    predicted = SimpleNamespace(name="latency_ms", value=lambda arch: macs.value(arch) / 1e7)
    latency = SimpleNamespace(by_cost={"latency_ms": Source(predicted, 0.5)}, decided_by={"latency_ms": "measured"})
    for budget, whole in (({"latency_ms": 0.7}, True), ({"latency_ms": 0.7, "macs": 7e6}, False)):
        target = SimpleNamespace(name="here", budget=Budget(budget), costs=[macs, predicted], latency=latency)
        kept, _ = nominees_within(parts, target, 8, QUIET)
        assert any(len(parts.chain(each.architecture).stages) == 7 for each in kept) == whole
        assert all(macs.value(each.architecture) <= budget.get("macs", 1.4e7) for each in kept)


def test_without_a_limit_the_largest_images_and_the_deepest_parts_are_nominated(parts) -> None:
    nominees = nominate(parts, lambda arch: 0.0, 7)
    assert {parts.chain(each.architecture).resolution for each in nominees} == {224}
    others = [parts.chain(each.architecture) for each in nominees if each.kind != AFTER_STAGE]
    assert [len(chain.stages) for chain in others] == [6, 7]


def test_from_random_weights_nothing_is_frozen(parts, tmp_path) -> None:
    data = load_data(DataSpec("digits", fraction=0.1))
    cut = parts.encode(parts.whole._replace(resolution=32, stages=parts.whole.stages[:2], head=0))
    found = [FineTuning(parts, data, Recipe(epochs=1, freeze=freeze), 0, parts.pretrained.skeleton, tmp_path / name)(
        Tuning(cut, 1, random=True), QUIET, "cpu") for name, freeze in (("frozen", ("stem.*",)), ("free", ()))]
    assert found[0] == found[1]
