"""The DARTS space: published counts, notation, symmetry, networks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from dcanas.basics.errors import UserError
from dcanas.costs import count_architecture, count_network, linear_counts
from dcanas.spaces import Architecture, NotationError, load_space
from dcanas.spaces.darts_network import FactorizedReduce, Graph

SPACE = load_space("darts")
IMAGENET = {"channels": 48, "cells": 14, "stem": "imagenet"}
EDGES = [(source, target) for target in (2, 3, 4, 5) for source in range(target)]
members = st.integers(0, 2**32 - 1).map(lambda seed: SPACE.sample(np.random.default_rng(seed)))
DARTS_V2 = ("Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
            "('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
            "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 1), "
            "('skip_connect', 2), ('max_pool_3x3', 0), ('skip_connect', 2), ('max_pool_3x3', 1), "
            "('skip_connect', 2)], reduce_concat=range(2, 6))")


@pytest.mark.parametrize(("name", "params"), [
    ("DARTS_V2", 3_349_342), ("DARTS_V1", 3_169_414), ("PC-DARTS", 3_634_678)])
def test_published_parameters_of_cifar_networks(name: str, params: int) -> None:
    arch = SPACE.parse(name)
    assert count_architecture(SPACE, arch).params == params
    with torch.device("meta"):
        assert sum(p.numel() for p in SPACE.build(arch).parameters()) == params


@pytest.mark.parametrize(("name", "params"), [("DARTS_V2", 4_718_752), ("DARTS_V1", 4_510_432)])
def test_published_parameters_of_imagenet_networks(name: str, params: int) -> None:
    arch = SPACE.parse(name)
    assert count_architecture(SPACE, arch, (3, 224, 224), 1000, **IMAGENET).params == params
    with torch.device("meta"):
        assert sum(p.numel() for p in SPACE.build(arch, 1000, **IMAGENET).parameters()) == params


def test_published_macs() -> None:
    arch = SPACE.parse("DARTS_V2")
    assert count_architecture(SPACE, arch).macs == 528_359_040
    assert count_architecture(SPACE, arch, (3, 224, 224), 1000, **IMAGENET).macs == 529_911_552


def test_the_auxiliary_head_is_for_training_only() -> None:
    """Published: 3,825,768 parameters with the head, on 576 channels at 10 classes: 576 * 128 + 2 * 128 + 4 * 128 * 768
    + 2 * 768 + 768 * 10 + 10 = 476,426 more than without. No count of a delivered network includes it."""
    arch = SPACE.parse("DARTS_V2")
    with torch.device("meta"):
        net = SPACE.build(arch, auxiliary=True)
    assert sum(p.numel() for p in net.parameters()) == 3_825_768 == 3_349_342 + 476_426
    assert count_architecture(SPACE, arch, auxiliary=True) == count_architecture(SPACE, arch)
    small = SPACE.build(arch, 7, channels=4, cells=3, auxiliary=True)
    for side in (32, 8):
        logits, second = small.train()(torch.randn(2, 3, side, side))
        assert logits.shape == second.shape == (2, 7)
    assert small.eval()(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    plain = SPACE.build(arch, 7, channels=4, cells=3)
    assert plain.train()(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    large = SPACE.build(arch, 7, channels=4, cells=3, stem="imagenet", auxiliary=True)
    assert [tuple(out.shape) for out in large.train()(torch.randn(2, 3, 64, 64))] == [(2, 7)] * 2
    assert len([m for m in large.auxiliary_head.modules() if isinstance(m, torch.nn.BatchNorm2d)]) == 1  # as published


def test_auxiliary_heads_see_2x2_maps_at_the_published_sizes() -> None:
    """8x8, kernel 5, stride 3: (8 - 5) / 3 + 1 = 2; 224 / 32 = 7, stride 2: (7 - 5) / 2 + 1 = 2; then 2x2 -> 1x1."""
    for side, shape, skeleton in ((32, 8, {}), (224, 7, {"stem": "imagenet"})):
        with torch.device("meta"):
            net = SPACE.build(SPACE.parse("DARTS_V2"), channels=4, cells=3, auxiliary=True, **skeleton).train()
            found = []
            net.auxiliary_head.register_forward_pre_hook(lambda _, x, found=found: found.append(x[0].shape[2:]))
            net.auxiliary_head.features.register_forward_hook(
                lambda _, x, y, found=found: found.extend([x[0].shape[2:], y.shape[2:]]))
            net(torch.empty(2, 3, side, side))
        assert [tuple(s) for s in found] == [(shape, shape), (2, 2), (1, 1)]


@pytest.mark.parametrize(("shape", "skeleton"), [((3, 32, 32), {}), ((3, 224, 224), IMAGENET),
                                                 ((1, 13, 18), {"channels": 5, "cells": 7}),
                                                 ((3, 45, 33), {"channels": 7, "cells": 3, "stem": "imagenet"})])
def test_closed_form_equals_the_built_network(shape, skeleton) -> None:
    rng = np.random.default_rng(0)
    for _ in range(1 if shape[1] in (32, 224) else 4):
        arch = SPACE.sample(rng)
        with torch.device("meta"):
            net = SPACE.build(arch, 10, shape[0], **skeleton)
        assert count_network(net, shape) == count_architecture(SPACE, arch, shape, 10, **skeleton)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(("shape", "skeleton"), [((3, 32, 32), {}), ((3, 224, 224), IMAGENET)])
def test_parameters_and_macs_of_fifty_members_equal_torchs_counter(shape, skeleton) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        arch = SPACE.sample(rng)
        with torch.device("meta"):
            net = SPACE.build(arch, 10, **skeleton).eval()
            with FlopCounterMode(display=False) as flops:
                net(torch.empty(1, *shape))
        counts = count_architecture(SPACE, arch, shape, 10, **skeleton)
        assert counts.params == sum(p.numel() for p in net.parameters())
        assert counts.macs == flops.get_total_flops() // 2
    with torch.device("meta"):
        assert count_network(SPACE.build(SPACE.parse("DARTS_V2"), auxiliary=True)).params == 3_825_768


def test_published_genotypes_by_name_and_text() -> None:
    assert SPACE.format(SPACE.parse("DARTS_V2")) == DARTS_V2
    assert SPACE.parse("darts-v2") == SPACE.parse(DARTS_V2)
    assert SPACE.parse("PCDARTS") == SPACE.parse("PC_DARTS_cifar") == SPACE.parse("PC-DARTS CIFAR")
    assert SPACE.parse("PC-DARTS ImageNet") == SPACE.parse("PC_DARTS_image") != SPACE.parse("PC-DARTS")
    with pytest.raises(UserError, match="Unknown genotype 'DARTS_V3'; did you mean 'DARTS_V"):
        SPACE.parse("DARTS_V3")


@given(members)
@settings(max_examples=100, deadline=None)
def test_notation_round_trip(arch: Architecture) -> None:
    text = SPACE.format(arch)
    assert SPACE.parse(text) == arch
    loose = text.replace("'", '"').replace("range(2, 6)", "[2,3,4,5]").replace(", ", " ,\n ").replace("=", " = ")
    assert SPACE.parse(loose) == arch
    swapped = text.replace("normal=", "other=").replace("reduce=", "normal=").replace("other=", "reduce=")
    assert SPACE.parse(swapped).choices == arch.choices[14:] + arch.choices[:14]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("Genotype", "Genotyp", r"character 1: expected 'Genotype', .*, found 'Genotyp'"),
    ("'skip_connect', 0", "'skip_conect', 0",
     r"character \d+: expected the operation 'skip_connect', found \"'skip_con"),
    ("'skip_connect', 0", "'none', 0", "expected one of max_pool_3x3, .* in quotes, found \"'none'\""),
    ("('dil_conv_3x3', 2)]", "('dil_conv_3x3', 2)", r"cannot be read \(.*line 1"),
    ("normal_concat", "normal_concats", "expected normal_concat=, found 'normal_concats=range"),
    ("range(2, 6)", "range(2, 5)", r"normal_concat must be range\(2, 6\), all four nodes, got range\(2,5\)"),
    ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)",
     "entry 8 .* node 5, whose sources are nodes 0 to 4, and names node 5"),
    ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)", "normal, node 5 uses the edge from node 0 twice"),
    ("('dil_conv_3x3', 2)", "('dil_conv_3x3', -1)", r"expected \('OPERATION', NODE\), found \"\('dil_conv_3x3', -1"),
    (", ('dil_conv_3x3', 2)", "", "normal must list 8 operations, two for each of the nodes 2 to 5, got 7"),
    ("reduce_concat=range(2, 6))", "reduce_concat=range(2, 6)", r"cannot be read \('\(' was never closed"),
    ("reduce_concat=range(2, 6))", "reduce_concat=range(2, 6)) + 1", r"character 1: expected 'Genotype', .*, found "),
])
def test_malformed_notation_says_where_and_what(old: str, new: str, message: str) -> None:
    assert old in DARTS_V2
    with pytest.raises(NotationError, match=message) as error:
        SPACE.parse(DARTS_V2.replace(old, new, 1))
    assert "\n" not in str(error.value)


def test_size_of_the_space() -> None:
    """Node with n sources: C(n, 2) pairs of edges x 49; 1 * 3 * 6 * 10 * 49^4 per cell."""
    assert len(SPACE) == (180 * 49**4) ** 2


@given(members, st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_mutations_are_members_one_step_away(arch: Architecture, seed: int) -> None:
    other = SPACE.mutate(arch, np.random.default_rng(seed))
    assert SPACE.architecture(other.choices) == other != arch
    assert SPACE.is_member(other)
    assert sum(a != b for a, b in zip(arch.choices, other.choices, strict=True)) <= 2


def _renumbered(cell: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...] | None:
    names = {0: 0, 1: 1, **dict(zip((2, 3, 4, 5), order, strict=True))}
    placed = {(names[s], names[t]): c for (s, t), c in zip(EDGES, cell, strict=True) if c}
    return None if any(s >= t for s, t in placed) else tuple(placed.get(edge, 0) for edge in EDGES)


@given(members)
@settings(max_examples=40, deadline=None)
def test_canonical_is_one_code_for_all_orders_of_the_nodes(arch: Architecture) -> None:
    representative = SPACE.canonical(arch)
    assert SPACE.canonical(representative) == representative
    assert SPACE.architecture(representative.choices) == representative
    assert SPACE.prune(arch) == arch
    assert not SPACE.is_dead(arch)
    one, other = (count_architecture(SPACE, a, channels=4, cells=4) for a in (arch, representative))
    assert (one.params, one.macs) == (other.params, other.macs)
    for order in itertools.permutations((2, 3, 4, 5)):
        cells = [_renumbered(arch.choices[:14], order), _renumbered(arch.choices[14:], order)]
        for normal, reduce in ((cells[0], arch.choices[14:]), (arch.choices[:14], cells[1])):
            if normal is not None and reduce is not None:
                assert SPACE.canonical(SPACE.architecture(normal + reduce)) == representative


def test_renumbered_nodes_compute_the_same_with_the_weights_of_the_next_layer_in_their_order() -> None:
    """A cell whose nodes 2 and 3 are exchanged: the same four maps, in another order."""
    torch.manual_seed(0)
    names = [SPACE.slots[0].options[c] for c in SPACE.parse("DARTS_V2").choices[:14]]
    names = ["sep_conv_3x3", "dil_conv_3x3", "skip_connect", "avg_pool_3x3", "none", *names[5:]]
    exchanged = [names[2], names[3], names[0], names[1], "none", *names[5:]]
    for first, second in ((EDGES.index((2, 4)), EDGES.index((3, 4))), (EDGES.index((2, 5)), EDGES.index((3, 5)))):
        exchanged[first], exchanged[second] = names[second], names[first]
    one, other = Graph(names, 4, False).eval(), Graph(exchanged, 4, False).eval()
    numbers = {0: 0, 1: 1, 2: 3, 3: 2, 4: 4, 5: 5}
    for key, edge in one.edges.items():
        source, target = EDGES[int(key)]
        other.edges[str(EDGES.index((numbers[source], numbers[target])))].load_state_dict(edge.state_dict())
    x, y = torch.randn(2, 2, 4, 6, 6).unbind()
    a, b = one(x, y), other(x, y)
    assert torch.allclose(a, torch.cat([b[:, 4:8], b[:, :4], b[:, 8:]], dim=1), atol=1e-6)


def test_factorized_reduction_by_hand() -> None:
    """Even pixels to the first half of the channels, odd ones to the second, zeros beyond an odd side."""
    for height, width in ((4, 6), (5, 7), (1, 2)):
        module = FactorizedReduce(1, 2).eval()
        torch.nn.init.ones_(module.even.weight)
        torch.nn.init.ones_(module.odd.weight)
        x = torch.rand(1, 1, height, width)
        out = module(x) * (1 + module.norm.eps) ** 0.5
        rows, columns = -(-height // 2), -(-width // 2)
        padded = torch.zeros(2 * rows + 1, 2 * columns + 1)
        padded[:height, :width] = x[0, 0]
        assert out.shape == (1, 2, rows, columns)
        assert torch.allclose(out[0, 0], padded[::2, ::2][:rows, :columns], atol=1e-6)
        assert torch.allclose(out[0, 1], padded[1::2, 1::2], atol=1e-6)


def test_drop_path_drops_whole_images_in_training_and_never_skips() -> None:
    torch.manual_seed(0)
    names = ["avg_pool_3x3", "skip_connect"] + ["skip_connect" if t != 2 and s < 2 else "none" for s, t in EDGES[2:]]
    graph = Graph(names, 3, False)
    before, last = torch.ones(400, 3, 4, 4), 10 * torch.ones(400, 3, 4, 4)
    assert torch.equal(graph.train()(before, last)[:, :3], before + last)
    graph.drop_path = 0.25
    assert torch.equal(graph.eval()(before, last)[:, :3], before + last)
    pooled = graph.train()(before, last)[:, :3] - last
    per_image = pooled.flatten(1)
    assert (per_image == per_image[:, :1]).all()
    kept = per_image[:, 0] != 0
    assert torch.allclose(per_image[kept], torch.tensor(1 / 0.75), atol=1e-5)
    assert 0.65 < kept.float().mean() < 0.85  # 400 images at 0.75: four standard deviations are 0.087
    assert torch.equal(graph(before, last)[:, 3:6], before + last)  # node 3: two skips


def test_blocks_and_shapes_of_the_skeletons() -> None:
    """Reductions at cells 2 and 4 of 6 (6 // 3, 12 // 3); the ImageNet stem halves three times."""
    for skeleton, stems, sides in (({}, [(12, 32)], [32, 32, 16, 16, 8, 8]),
                                   ({"stem": "imagenet"}, [(4, 8), (4, 4)], [4, 4, 2, 2, 1, 1])):
        net = SPACE.build(SPACE.parse("PC-DARTS"), channels=4, cells=6, **skeleton).eval()
        shapes = []
        for block in net.blocks:
            block.register_forward_hook(lambda _, x, y, shapes=shapes: shapes.append(tuple(y.shape[1:])))
        net(torch.zeros(1, 3, 32, 32))
        widths = [16, 16, 32, 32, 64, 64]
        assert shapes == [*((c, s, s) for c, s in stems), *((c, s, s) for c, s in zip(widths, sides, strict=True)),
                          (10,)]


@pytest.mark.parametrize(("side", "skeleton", "message"), [
    (3, {"channels": 4, "cells": 6},
     "Images of 3x3 pixels are too small for darts with 6 cells and stem=cifar, .* 4x4"),
    (31, {"channels": 4, "cells": 6, "stem": "imagenet"}, "at least 32x32 .* or stem=cifar"),
])
def test_an_image_too_small_for_the_strides(side: int, skeleton, message: str) -> None:
    with pytest.raises(UserError, match=message):
        count_architecture(SPACE, SPACE.parse("DARTS_V2"), (3, side, side), **skeleton)
    assert count_architecture(SPACE, SPACE.parse("DARTS_V2"), (3, side + 1, side + 1), **skeleton).params


@pytest.mark.parametrize(("skeleton", "message"), [
    ({"stem": "cifr"}, "Unknown stem of darts 'cifr'; did you mean 'cifar'"),
    ({"auxiliary": 1}, "skeleton option auxiliary of darts must be like False, got 1"),
    ({"cells": 0}, "cells of darts must be a whole number from 1, got 0"),
    ({"channels": 1}, "darts needs at least 2 channels"),
    ({"layers": 8}, "Unknown skeleton option of darts 'layers'"),
])
def test_skeletons_it_cannot_have(skeleton, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SPACE.build(SPACE.parse("DARTS_V2"), **skeleton)


def test_codes_that_break_a_group_are_refused() -> None:
    message = "Exactly 2 of normal 0->2, normal 1->2 in darts must be other than none, got 0"
    with pytest.raises(UserError, match=message):
        SPACE.architecture((0, 0, *SPACE.parse("DARTS_V2").choices[2:]))


def test_source_is_python_that_needs_torch_only() -> None:
    for skeleton in ({"channels": 4, "cells": 3, "auxiliary": True}, {"channels": 4, "cells": 3, "stem": "imagenet"}):
        arch = SPACE.sample(np.random.default_rng(2))
        text = SPACE.source(arch, 10, 3, **skeleton)
        assert "dcanas" not in text
        scope: dict = {"__name__": "network"}
        exec(compile(text, "network.py", "exec"), scope)
        mine, theirs = SPACE.build(arch, **skeleton).eval(), scope["build"]().eval()
        theirs.load_state_dict(mine.state_dict())
        x = torch.randn(2, 3, 32, 32)
        assert torch.equal(mine(x), theirs(x))


@pytest.mark.slow
@pytest.mark.thorough
def test_a_thousand_random_members_build_and_run_at_two_sizes() -> None:
    rng = np.random.default_rng(5)
    found = set()
    for i in range(1000):
        arch = SPACE.sample(rng)
        stem = "imagenet" if i % 2 else "cifar"
        net = SPACE.build(arch, 3, channels=2, cells=3, stem=stem).eval()
        with torch.no_grad():
            for side in ((32, 37) if i % 2 else (8, 11)):
                logits = net(torch.randn(1, 3, side, side))
                assert logits.shape == (1, 3)
                assert logits.isfinite().all()
        found.add(arch)
    assert len(found) == 1000


def test_linear_costs_are_exact() -> None:
    """Read off one operation at a time, from codes that break the groups, they count whole members exactly."""
    skeleton = {"channels": 8, "cells": 5}
    costs = linear_counts(SPACE, (3, 32, 32), 10, **skeleton)
    rng = np.random.default_rng(11)
    for arch in [SPACE.sample(rng) for _ in range(50)]:
        counts = count_architecture(SPACE, arch, (3, 32, 32), 10, **skeleton)
        assert {name: cost.value(arch) for name, cost in costs.items()} == \
            {"params": counts.params, "macs": counts.macs, "weight_bytes": counts.weight_bytes}
