"""The integer programme over the slices of a frame, against every slice of a small one; costs against the counts."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from dcanas.costs import Budget, count_architecture, count_costs
from dcanas.hardware.latency.source import LatencySources
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from dcanas.search.halving.measured import expected_use
from dcanas.search.slices.frames import FARTHER, THINNEST, Frame, frames_for
from dcanas.search.slices.greedy import shrink
from dcanas.search.slices.programme import FrameLimits, no_scores
from dcanas.search.slices.sensitivities import sensitivities
from dcanas.search.task import Target
from dcanas.spaces import Architecture
from dcanas.spaces.mbconv import KINDS

SHAPE, CLASSES = (3, 64, 64), 5


@pytest.fixture(scope="module")
def parts() -> PretrainedParts:
    return PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))


def target_of(parts: PretrainedParts, **limits: float) -> Target:
    costs = count_costs(parts, SHAPE, CLASSES, **parts.pretrained.skeleton)
    return Target("none", Budget(**limits), costs, LatencySources({}))


def slots_of(frame: Frame) -> list[int]:
    return [slot for slot, allowed in enumerate(frame.space.allowed) if len(allowed) > 1]


def test_the_best_of_all_slices_within_two_limits(parts) -> None:
    """Two stages at 48 px: 4 expansions of the second stage's first block, 5 options of its second: 20 slices."""
    frame = Frame(parts, 2, 48)
    slots = slots_of(frame)
    assert [len(frame.space.allowed[slot]) for slot in slots] == [4, 5]
    rng = np.random.default_rng(0)
    every = [frame.space.prune(Architecture(parts.name, tuple(
        dict(zip(slots, choice, strict=True)).get(i, c) for i, c in enumerate(frame.largest.choices))))
        for choice in product(*(frame.space.allowed[slot] for slot in slots))]
    counted = {arch: count_architecture(parts, arch, SHAPE, CLASSES, **parts.pretrained.skeleton) for arch in every}
    macs = sorted(count.macs for count in counted.values())
    peaks = sorted({count.peak_bytes for count in counted.values()})
    for limit, peak in ((macs[10], peaks[-1]), (macs[-1], peaks[len(peaks) // 2]), (macs[6], peaks[1])):
        limits = FrameLimits(frame, target_of(parts, macs=limit, peak_bytes=peak))
        scores = [np.where(row == -np.inf, row, rng.normal(size=len(row))) for row in no_scores(frame)]
        within = [arch for arch in every if counted[arch].macs <= limit and counted[arch].peak_bytes <= peak]
        totals = {arch: sum(scores[slot][arch.choices[slot]] for slot in slots) for arch in within}
        assert limits.best(scores, 3) == sorted(within, key=lambda arch: -totals[arch])[:3]
    assert FrameLimits(frame, target_of(parts, macs=macs[0] - 1)).best(no_scores(frame)) == []


def test_costs_within_a_frame_are_sums_over_blocks(parts) -> None:
    frame = Frame(parts, 5, 56)
    limits = FrameLimits(frame, target_of(parts, macs=1e7, params=1e6, weight_bytes=1e7, peak_bytes=1e7))
    assert {cost.name for cost, _ in limits.limits} == {"params", "macs", "weight_bytes"}  # the peak is a maximum
    rng = np.random.default_rng(0)
    for _ in range(20):
        arch = frame.space.sample(rng)
        counts = count_architecture(parts, arch, SHAPE, CLASSES, **parts.pretrained.skeleton)
        for cost, _ in limits.limits:
            assert cost.value(arch) == pytest.approx(getattr(counts, cost.name), rel=1e-9)


def test_frames_are_those_in_which_slices_just_keep_the_limit(parts) -> None:
    use = expected_use(target_of(parts, macs=8e6))
    frames = frames_for(parts, [use])
    assert {frame.stages for frame in frames} == {3, 4, 5, 6, 7}
    for stages in range(3, 8):
        shares = [use(frame.largest) for frame in frames if frame.stages == stages]
        sides = [frame.side for frame in frames if frame.stages == stages]
        if shares[0] <= 1:  # the cut itself, at the largest image that the limit allows
            assert use(Frame(parts, stages, sides[0] + 8).largest) > 1
        assert all(1 < share <= 1 / THINNEST for share in shares[1:])
        assert all(after >= FARTHER * before for before, after in pairwise(sides))
        assert all(use(frame.ends[1]) <= 1 for frame in frames)
    both = frames_for(parts, [use, expected_use(target_of(parts, macs=4e6))])
    assert len({(frame.stages, frame.side) for frame in both}) == len(both) > len(frames)


def synthetic(frame: Frame, arch: Architecture) -> float:
    """A loss that is a sum: what thinning, narrowing and leaving out cost, the more the later the block."""
    total = 1.0
    for slot in slots_of(frame):
        options = frame.space.slots[slot].options
        kind, full = KINDS.get(options[arch.choices[slot]]), KINDS[options[frame.largest.choices[slot]]]
        weight = slot / 100
        total += weight * (2.0 if kind is None else
                           0.3 * (full.expansion - kind.expansion) + 0.1 * (full.kernel - kind.kernel))
    return total


def test_sensitivities_of_a_loss_that_is_a_sum_give_it_back(parts) -> None:
    frame, asked = Frame(parts, 3, 48), []

    def loss(arch: Architecture) -> float:
        asked.append(arch)
        return synthetic(frame, arch)

    scores = sensitivities(frame, loss)
    rng = np.random.default_rng(0)
    for _ in range(20):
        arch = frame.space.sample(rng)
        assert -sum(row[c] for row, c in zip(scores, arch.choices, strict=True)) == pytest.approx(
            synthetic(frame, arch) - 1.0)
    # the largest; per block 3 smaller expansions, a smaller kernel in stage 3, and none in what is residual
    assert len(asked) == 1 + (3 + 3 + 1) + (3 + 1 + 3 + 1 + 1)


def test_greedy_shrinking_stops_within_the_limit_at_the_cheapest_steps(parts) -> None:
    frame = Frame(parts, 3, 48)
    target = target_of(parts, macs=3e6)
    limits = FrameLimits(frame, target)
    found = shrink(frame, limits, lambda arch: synthetic(frame, arch))
    assert target.allows(found)
    best = limits.best(sensitivities(frame, lambda arch: synthetic(frame, arch)))[0]
    assert synthetic(frame, best) <= synthetic(frame, found) <= 1.3 * synthetic(frame, best)  # the optimum is exact
    assert shrink(frame, FrameLimits(frame, target_of(parts, macs=1e5)), lambda arch: 1.0) is None
