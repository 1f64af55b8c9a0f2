"""FBNet against arithmetic, torch's counters, HW-NAS-Bench's table and the exported file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from one_member import run_member

from dcanas.basics.errors import UserError
from dcanas.costs import Budget, count_architecture, count_network, linear_counts
from dcanas.export import check_parity, export_onnx, peak_live_bytes, stored_weight_bytes
from dcanas.export.random_statistics import with_random_statistics
from dcanas.search import derive
from dcanas.spaces import Architecture, NotationError, load_space
from dcanas.spaces.fbnet import BLOCKS, LAYERS, shapes
from dcanas.supernet import Supernet

SPACE = load_space("fbnet")
THOROUGH = (pytest.mark.slow, pytest.mark.thorough)
FORMS = {"cifar": (3, 32, 32), "imagenet": (3, 224, 224)}
CODES = st.tuples(*[st.integers(0, len(BLOCKS) - 1)] * LAYERS)


def members(count: int, seed: int = 0) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def block_params(name: str, channels: int, width: int, stride: int) -> int:
    """Weights and batch norms (two per channel) of one layer, written out from the paper's table and figure 3."""
    if name == "skip":
        return 0 if (stride, channels) == (1, width) else channels * width + 2 * width
    kernel, expansion, groups = int(name[1]), int(name[4]), 2 if name.endswith("g2") else 1
    hidden = expansion * channels
    return (channels * hidden // groups + 2 * hidden) + (kernel**2 * hidden + 2 * hidden) + \
        (hidden * width // groups + 2 * width)


@pytest.mark.parametrize(("form", "head"), [("cifar", 1504), ("imagenet", 1984)])
def test_parameters_by_hand(form, head):
    for arch in [*members(20), *(Architecture("fbnet", (block,) * LAYERS) for block in range(len(BLOCKS)))]:
        names = [BLOCKS[choice] for choice in arch.choices]
        layers = sum(block_params(name, *shape) for name, shape in zip(names, shapes(form), strict=True))
        ends = (27 * 16 + 2 * 16) + (352 * head + 2 * head) + (head * 10 + 10)
        assert count_architecture(SPACE, arch, FORMS[form], stem=form).params == layers + ends


def test_shapes_are_the_issue_s():
    cifar = shapes("cifar")
    assert [width for _, width, _ in cifar] == [16] + [24] * 4 + [32] * 4 + [64] * 4 + [112] * 4 + [184] * 4 + [352]
    assert [i for i, (_, _, stride) in enumerate(cifar) if stride == 2] == [5, 9, 17]  # first layers of stages 3, 4, 6
    assert [i for i, (_, _, stride) in enumerate(shapes("imagenet")) if stride == 2] == [1, 5, 9, 17]


@pytest.mark.parametrize(("form", "count"), [("cifar", 3), ("imagenet", 3),
                                             pytest.param("cifar", 50, marks=THOROUGH),
                                             pytest.param("imagenet", 50, marks=THOROUGH)])
def test_closed_form_equals_the_built_network(form, count):
    for arch in members(count, seed=count):
        network = SPACE.build(arch, 100, stem=form)
        assert count_architecture(SPACE, arch, FORMS[form], 100, stem=form) == count_network(network, FORMS[form])


@pytest.mark.slow
@pytest.mark.parametrize("side", [pytest.param(32, marks=THOROUGH), 37])
def test_live_memory_and_weights_of_the_exported_file(side, tmp_path):
    """Every block once, in random order among skips, which take least to export."""
    blocks = np.random.default_rng(side).permutation([*range(len(BLOCKS) - 1), *[len(BLOCKS) - 1] * (LAYERS - 8)])
    arch = SPACE.architecture(blocks)
    network = with_random_statistics(SPACE.build(arch), side)
    path = export_onnx(network.eval(), tmp_path / "network.onnx", (3, side, side), 18, 8, {})
    counts = count_architecture(SPACE, arch, (3, side, side))
    assert stored_weight_bytes(path) == counts.weight_bytes
    assert peak_live_bytes(path) == counts.peak_bytes


def test_the_groups_of_a_shuffled_block_mix():
    """With 4 channels in 2 groups, channel k of the shuffled tensor is channel (0, 2, 1, 3)[k]."""
    from dcanas.spaces.fbnet_network import Shuffle

    x = torch.arange(4.0).reshape(1, 4, 1, 1)
    assert Shuffle(2)(x).flatten().tolist() == [0, 2, 1, 3]


def test_options_map_to_the_published_table(tables):
    content = np.load(tables / "fbnet_latency_devices.npz")
    assert tuple(content["blocks"]) == BLOCKS
    for row in content["choices"][:50]:
        assert SPACE.parse(",".join(content["blocks"][row])).choices == tuple(row)


@settings(max_examples=50, deadline=None)
@given(CODES, st.integers(0, 2**32 - 1))
def test_notation_mutation_canonical_and_prune(choices, seed):
    arch = SPACE.architecture(choices)
    assert SPACE.parse(SPACE.format(arch)) == arch
    assert SPACE.canonical(SPACE.canonical(arch)) == SPACE.canonical(arch)
    assert SPACE.prune(SPACE.prune(arch)) == SPACE.prune(arch) == arch
    other = SPACE.mutate(arch, np.random.default_rng(seed))
    assert SPACE.is_member(other)
    assert sum(a != b for a, b in zip(arch.choices, other.choices, strict=True)) == 1


def test_size_and_neighbours():
    assert SPACE.size == 9**22
    assert len(SPACE.neighbours(members(1)[0])) == 22 * 8


@pytest.mark.parametrize(("text", "message"), [
    ("k3_e1", "FBNet notation is 22 block names joined by commas, found 1"),
    (",".join(["k3_e1"] * 21 + ["k7_e1"]), r"Block 22: expected one of k3_e1, .*skip, found 'k7_e1'"),
    ("", "Block 1: expected one of"),
])
def test_malformed_notation(text, message):
    with pytest.raises(NotationError, match=message):
        SPACE.parse(text)


def test_images_too_small_and_unknown_stems():
    with pytest.raises(UserError, match=r"Images of 7x7 .* divides them by 8: use at least 8x8 \(data.size\)"):
        count_architecture(SPACE, members(1)[0], (3, 7, 7))
    with pytest.raises(UserError, match=r"32: use at least 32x32 .* or stem=cifar"):
        count_architecture(SPACE, members(1)[0], (3, 28, 28), stem="imagenet")
    with pytest.raises(UserError, match="Unknown stem of fbnet 'cifr'; did you mean 'cifar'"):
        SPACE.build(members(1)[0], stem="cifr")


def test_linear_costs_are_exact():
    costs = linear_counts(SPACE, (3, 32, 32), 100)
    for arch in members(50, seed=2):
        counts = count_architecture(SPACE, arch, (3, 32, 32), 100)
        assert {name: cost.value(arch) for name, cost in costs.items()} == \
            {"params": counts.params, "macs": counts.macs, "weight_bytes": counts.weight_bytes}


def test_derive_takes_the_best_block_of_every_layer():
    rng = np.random.default_rng(3)
    for _ in range(20):
        scores = rng.normal(size=(LAYERS, len(BLOCKS)))
        assert derive(SPACE, scores, Budget()).architecture.choices == tuple(scores.argmax(1))


def test_derive_within_a_budget_equals_brute_force():
    """All but three layers are forced, so that 9^3 codes are left to compare."""
    rng = np.random.default_rng(4)
    open_layers = (3, 12, 20)
    for _ in range(5):
        scores = rng.normal(size=(LAYERS, len(BLOCKS)))
        base = rng.integers(len(BLOCKS), size=LAYERS)
        for layer in set(range(LAYERS)) - set(open_layers):
            scores[layer] = np.where(np.arange(len(BLOCKS)) == base[layer], 0.0, -np.inf)
        codes = []
        for options in np.ndindex(9, 9, 9):
            choices = base.copy()
            choices[list(open_layers)] = options
            codes.append(Architecture("fbnet", tuple(int(c) for c in choices)))
        counts = [count_architecture(SPACE, code) for code in codes]
        limits = Budget(params=float(np.quantile([c.params for c in counts], 0.3)),
                        macs=float(np.quantile([c.macs for c in counts], 0.3)))
        best = max((sum(scores[i, c] for i, c in enumerate(code.choices)) for code, count in
                    zip(codes, counts, strict=True)
                    if count.params <= limits["params"] and count.macs <= limits["macs"]))
        found = derive(SPACE, scores, limits)
        assert sum(scores[i, c] for i, c in enumerate(found.architecture.choices)) == pytest.approx(best)
        assert found.costs["params"]["value"] <= limits["params"]
        assert found.costs["macs"]["value"] <= limits["macs"]


def test_supernet_at_one_hot_is_the_network_with_inherited_weights():
    torch.manual_seed(0)
    net = Supernet(SPACE).train()
    images = torch.randn(4, 3, 16, 16)
    for arch in members(3, seed=5):
        discrete = SPACE.build(arch).train()
        for block, source in zip(discrete.blocks, net.network.blocks, strict=True):
            if hasattr(source, "spec"):
                (slot,) = source.spec.slots
                operation = source.candidates.get((slot, BLOCKS[arch.choices[slot]]))
                block.load_state_dict(operation.state_dict(), strict=False)
            else:
                block.load_state_dict(source.state_dict(), strict=False)
        mixing = torch.nn.functional.one_hot(torch.tensor(arch.choices), len(BLOCKS)).float()
        with torch.no_grad():
            expected = discrete(images)
            torch.testing.assert_close(net(images, mixing), expected, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(run_member(net, images, arch), expected, rtol=1e-4, atol=1e-4)


def test_bottleneck_narrows_and_sharing_means_nothing():
    logits = Supernet(SPACE, bottleneck=4)(torch.randn(2, 3, 16, 16), torch.full((LAYERS, len(BLOCKS)), 1 / 9))
    assert logits.shape == (2, 10)
    with pytest.raises(UserError, match=r"search.share=true has no effect in fbnet: .*set search.share=false"):
        Supernet(SPACE, share=True)


@pytest.mark.parametrize(("bottleneck", "left"), [(8, "2 and 3"), (16, "1 and 1")])
def test_a_bottleneck_that_leaves_groups_an_odd_number_of_channels(bottleneck, left):
    """16 / 8 and 24 / 8 channels are 2 and 3; 16 / 16 is 1."""
    with pytest.raises(UserError, match=rf"groups of k3_e1_g2 .* leaves {left}; set search.bottleneck to 1, 2 or 4"):
        Supernet(SPACE, bottleneck=bottleneck)


@pytest.mark.parametrize("bottleneck", [1, 2, 4])
def test_every_bottleneck_that_is_advised_builds(bottleneck):
    with torch.device("meta"):
        assert len(Supernet(SPACE, bottleneck=bottleneck).cells) == LAYERS


@pytest.mark.slow
@pytest.mark.thorough
def test_a_thousand_members_at_two_sizes_and_twenty_in_onnx_runtime(tmp_path):
    """All run on the meta device (shapes and modules), thirty of them with numbers, twenty of those in ONNX Runtime."""
    archs = members(1000, seed=6)
    for number, arch in enumerate(archs):
        with torch.device("meta"):
            network = SPACE.build(arch, 7).eval()
            for side in (32, 48):
                assert network(torch.empty(2, 3, side, side)).shape == (2, 7)
        if number < 30:
            real = with_random_statistics(SPACE.build(arch, 7), number).eval()
            with torch.inference_mode():
                assert torch.isfinite(real(torch.rand(2, 3, 32, 32))).all()
        if number < 20:
            path = export_onnx(real, tmp_path / f"{number}.onnx", (3, 32, 32), 18, 8, {})
            images = np.random.default_rng(number).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
            assert check_parity(real, path, images)["top1_agreement"] == 1
