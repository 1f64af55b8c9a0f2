"""The supernet of the DARTS space: two inputs, two kinds of cells, strides."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from one_member import run_member
from torch import Tensor, nn
from torch.nn import functional as F

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, count_costs
from dcanas.search import SearchSettings, search
from dcanas.spaces import Architecture, load_space
from dcanas.spaces.darts_network import Cell, Graph
from dcanas.supernet import Supernet
from dcanas.training import DataSpec, Recipe, load_data

SPACE = load_space("darts")
OPTIONS = SPACE.slots[0].options
EDGES = [(source, target) for target in (2, 3, 4, 5) for source in range(target)]


def supernet(bottleneck: int = 1, share: bool = False, channels: int = 4, cells: int = 3) -> Supernet:
    torch.manual_seed(0)
    return Supernet(SPACE, bottleneck=bottleneck, share=share, channels=channels, cells=cells)


def images(count: int = 4, size: int = 8) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def mixing(seed: int = 2) -> Tensor:
    return torch.softmax(torch.randn(28, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def one_hot(arch: Architecture) -> Tensor:
    return F.one_hot(torch.tensor(arch.choices), 8).float()


def member(seed: int) -> Architecture:
    return SPACE.sample(np.random.default_rng(seed))


def discrete(net: Supernet, arch: Architecture) -> nn.Module:
    """Return the network of `build` with a plain supernet's weights; pools get the batch norm they have there."""
    built = SPACE.build(arch, **net.skeleton).train()
    for block, source in zip(built.blocks, net.network.blocks, strict=True):
        if not isinstance(block, Cell):
            block.load_state_dict(source.state_dict(), strict=False)
            continue
        for part in ("preprocess_before", "preprocess_last"):
            getattr(block, part).load_state_dict(getattr(source, part).state_dict(), strict=False)
        offset = source.graph.spec.slots[0]
        for edge in list(block.graph.edges):
            option = OPTIONS[arch.choices[offset + int(edge)]]
            candidate = source.graph.candidates.get((offset + int(edge), option))
            if "pool" in option:
                channels = source.graph.spec.out_channels
                block.graph.edges[edge] = nn.Sequential(block.graph.edges[edge],
                                                        nn.BatchNorm2d(channels, affine=False))
            else:
                block.graph.edges[edge].load_state_dict(candidate.state_dict(), strict=False)
    return built


@pytest.mark.parametrize(("share", "per_option"), [(False, 14), (True, 5)])
@pytest.mark.parametrize("bottleneck", [1, 2])
def test_calls_are_edges_or_source_nodes_times_built_options(share: bool, per_option: int, bottleneck: int) -> None:
    """7 built options: 98 calls per cell on 14 edges, 35 with sharing on the 5 nodes that edges leave."""
    net = supernet(bottleneck, share)
    for cell in net.cells:
        calls: Counter[str] = Counter()
        hooks = [candidate.register_forward_hook(lambda *_, key=key, calls=calls: calls.update([key.partition(":")[2]]))
                 for key, candidate in cell.operations.items()]
        net(images(), mixing())
        assert calls == dict.fromkeys(OPTIONS[1:], per_option)
        assert calls.total() == (35 if share else 98)
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize("training", [True, False])
def test_one_hot_mixing_is_the_discrete_network_with_inherited_weights(training: bool) -> None:
    net = supernet(cells=4).train(training)
    for seed in range(5):
        with torch.no_grad():
            torch.testing.assert_close(net(images(), one_hot(member(seed))), discrete(net, member(seed))(images()),
                                       atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("bottleneck", "share"), [(1, False), (1, True), (2, False), (4, True)])
def test_a_member_equals_one_hot_mixing(bottleneck: int, share: bool) -> None:
    net = supernet(bottleneck, share)
    for seed in range(3):
        with torch.no_grad():
            torch.testing.assert_close(run_member(net, images(), member(seed)), net(images(), one_hot(member(seed))),
                                       atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bottleneck", [1, 2])
def test_sharing_equals_tied_weights(bottleneck: int) -> None:
    shared = supernet(bottleneck, share=True)
    net = supernet(bottleneck)
    own = {k: v for k, v in shared.state_dict().items() if ".operations." not in k}
    assert not net.load_state_dict(own, strict=False).unexpected_keys
    for cell, source in zip(net.cells, shared.cells, strict=True):
        for slot in cell.spec.slots:
            for option in OPTIONS[1:]:
                cell.candidates[slot, option].load_state_dict(source.candidates[slot, option].state_dict())
    results = []
    for each in (shared, net):
        weights = mixing().requires_grad_()
        logits = each(images(), weights)
        F.cross_entropy(logits, torch.arange(4)).backward()
        results.append((logits.detach(), weights.grad))
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=1e-5)


def test_candidates_are_not_affine_and_pools_are_normalised() -> None:
    net = supernet()
    norms = [m for block in net.network.blocks if isinstance(block, Cell) for m in block.modules()
             if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all(not m.affine for m in norms)
    assert isinstance(net.cells[0].candidates[0, "max_pool_3x3"][1], nn.BatchNorm2d)
    assert all(m.affine for m in SPACE.build(member(0), channels=4, cells=3).modules()
               if isinstance(m, nn.BatchNorm2d))
    assert any(isinstance(m, Graph) for m in SPACE.build(member(0), channels=4, cells=3).modules())


def test_a_supernet_has_no_auxiliary_head() -> None:
    with pytest.raises(UserError, match="no auxiliary head; set auxiliary=true in the final skeleton only"):
        Supernet(SPACE, channels=4, cells=3, auxiliary=True)


def test_a_few_steps_of_the_search_under_limits() -> None:
    data = load_data(DataSpec())
    costs = count_costs(SPACE, data.shape, 10, channels=4, cells=3)
    budget = Budget(params=costs[0].base * 1.2, peak_bytes=4000)
    limited = [costs[0], costs[2]]
    found = search(SPACE, data, budget, limited, SearchSettings(epochs=1, batch_size=300, bottleneck=2),
                   Recipe(crop_padding=0), 0, skeleton={"channels": 4, "cells": 3})
    assert [len(row) for row in found.scores] == [8] * 28
    row = found.history[-1]
    rng = np.random.default_rng(0)
    drawn = costs[0].values(np.array([SPACE.sample(rng).choices for _ in range(500)]))
    expected = row["expected_over_limit/params"] * budget["params"]
    assert expected == pytest.approx(drawn.mean(), rel=0.02)  # alphas are nearly even after two steps
