"""Small ResNets against the published counts, torch's counters and the exported file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, count_architecture, count_costs, count_network
from dcanas.export import export_onnx, peak_live_bytes, stored_weight_bytes
from dcanas.export.random_statistics import with_random_statistics
from dcanas.search import derive
from dcanas.spaces import Architecture, NotationError, load_space
from dcanas.supernet import Supernet

SPACE = load_space("resnet")


def members(count: int, seed: int = 0) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


@pytest.mark.parametrize(("depth", "exact", "millions"), [(3, 269_722, 0.27), (5, 464_154, 0.46), (7, 658_586, 0.66),
                                                           (9, 853_018, 0.85)])
def test_published_parameters(depth, exact, millions):
    """He et al. (2016), table 6: ResNet-20, 32, 44, 56. Exactly: stem 432 + 32; 3x3 convolutions with two numbers per
    channel for batch norm; 64 * 10 + 10 at the end; shortcuts have no parameters."""
    arch = SPACE.parse(f"w16-d{depth}-d{depth}-d{depth}")
    by_hand = 432 + 32 + 650
    for width, before in ((16, 16), (32, 16), (64, 32)):
        by_hand += 9 * before * width + (2 * depth - 1) * 9 * width**2 + 2 * depth * 2 * width
    counts = count_architecture(SPACE, arch)
    assert counts.params == by_hand == exact
    assert counts.params / 1e6 == pytest.approx(millions, abs=0.006)


@pytest.mark.parametrize(("side", "count"), [(32, 4), (45, 4), pytest.param(32, 25, marks=pytest.mark.slow),
                                             pytest.param(45, 25, marks=pytest.mark.slow)])
def test_closed_form_equals_the_built_network(side, count):
    for arch in members(count, seed=side):
        assert count_architecture(SPACE, arch, (3, side, side)) == count_network(SPACE.build(arch), (3, side, side))


def test_live_memory_and_weights_of_the_exported_file(tmp_path):
    for number, text in enumerate(("w8-d1-d2-d1",)):
        network = with_random_statistics(SPACE.build(SPACE.parse(text)), number).eval()
        path = export_onnx(network, tmp_path / f"{number}.onnx", (3, 33, 33), 18, 8, {})
        counts = count_architecture(SPACE, SPACE.parse(text), (3, 33, 33))
        assert (stored_weight_bytes(path), peak_live_bytes(path)) == (counts.weight_bytes, counts.peak_bytes)


def test_source_builds_the_same_network():
    arch = SPACE.parse("w8-d2-d1-d3")
    content: dict = {}
    exec(compile(SPACE.source(arch, 7, 1), "network.py", "exec"), content)
    torch.manual_seed(0)
    first = SPACE.build(arch, 7, 1).eval()
    second = content["build"]().eval()
    second.load_state_dict(first.state_dict())
    images = torch.rand(2, 1, 16, 16)
    assert torch.equal(first(images), second(images))


def test_notation():
    assert all(SPACE.parse(SPACE.format(arch)) == arch for arch in members(50))
    with pytest.raises(NotationError, match="such as w16-d3-d3-d3, found 'resnet20'"):
        SPACE.parse("resnet20")
    with pytest.raises(NotationError, match=r"width must be one of 4, 8, .*, found 17"):
        SPACE.parse("w17-d1-d1-d1")


def test_derive_finds_the_best_score_within_the_budget_by_brute_force():
    rng = np.random.default_rng(1)
    scores = [rng.normal(size=len(slot.options)) for slot in SPACE.slots]
    budget = Budget(params=200_000, macs=2e7)
    best = -np.inf
    for arch in SPACE.enumerate():
        counts = count_architecture(SPACE, arch)
        if counts.params <= 200_000 and counts.macs <= 2e7:
            best = max(best, sum(row[c] for row, c in zip(scores, arch.choices, strict=True)))
    found = derive(SPACE, scores, budget).architecture
    assert sum(row[c] for row, c in zip(scores, found.choices, strict=True)) == pytest.approx(best)


def test_costs_are_exact_though_they_do_not_add_up():
    costs = {cost.name: cost for cost in count_costs(SPACE)}
    for arch in members(10, seed=2):
        counts = count_architecture(SPACE, arch)
        assert {name: cost.value(arch) for name, cost in costs.items()} == \
            {name: getattr(counts, name) for name in ("params", "macs", "peak_bytes", "weight_bytes")}


def test_what_it_cannot_do():
    with pytest.raises(UserError, match="Space resnet has no supernet that mixes candidates by slot"):
        Supernet(SPACE)
    with pytest.raises(UserError, match="Images of 3x3 pixels are too small for resnet"):
        count_architecture(SPACE, members(1)[0], (3, 3, 3))
