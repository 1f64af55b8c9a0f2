"""Slices of an elastic supernet against networks that stand alone, and against weights cut by hand."""

import numpy as np
import pytest
import torch

from dcanas.basics.errors import UserError
from dcanas.spaces import load_space
from dcanas.supernet import ElasticSupernet
from dcanas.supernet.elastic import cut, recalibrate

BOUNDS = {"resolution": [192, 224], "stem": [8, 16], "expansion": [2, 4],
          "width": [[8], [16], [16, 24], [32], [32], [40, 48], [48, 64]], "depth": [1, 2],
          "stride": [2, 1, 2, 1, 2, 1, 2], "kernel": [3, 7], "head": [32, 64]}
SPACE = load_space("mobilenetv2").within(BOUNDS)
CIFAR = {"stem": "cifar", "reference": 32}


@pytest.fixture(scope="module")
def supernet():
    torch.manual_seed(0)
    return ElasticSupernet(SPACE, 5, 3, **CIFAR)


def test_the_largest_and_the_smallest_are_the_ends_of_every_bound(supernet):
    assert SPACE.format(supernet.largest_member) == (
        "r224-s16 | t4c8n2s2k7 | t4c16n2s1k7 | t4c24n2s2k7 | t4c32n2s1k7 | t4c32n2s2k7 | t4c48n2s1k7 | t4c64n2s2k7 | "
        "h64")
    assert SPACE.format(supernet.smallest_member) == (
        "r192-s8 | t2c8n1s2k3 | t2c16n1s1k3 | t2c16n1s2k3 | t2c32n1s1k3 | t2c32n1s2k3 | t2c40n1s1k3 | t2c48n1s2k3 | "
        "h32")


def test_a_slice_is_the_network_that_stands_alone(supernet):
    rng, images = np.random.default_rng(0), torch.randn(2, 3, 32, 32)
    for arch in [SPACE.sample(rng) for _ in range(5)]:
        alone = supernet.member_network(arch).train()
        supernet.train()
        for module in (alone.head.dropout, supernet._build(arch).head.dropout):
            module.p = 0.0  # both use the batch's statistics; only dropout would draw
        with torch.no_grad():
            assert torch.allclose(supernet(images, arch), alone(images), atol=1e-5)


MBCONV = load_space("mbconv").within({**BOUNDS, "resolution": [32, 40], "depth": [1, 2, 3], "kernel": [3, 5],
                                      "stages": [5, 7]})
LITE = {"stem": "cifar", "padding": "same", "epsilon": 1e-3}


@pytest.mark.parametrize("count", [3, pytest.param(100, marks=(pytest.mark.slow, pytest.mark.thorough))])
def test_blocks_behind_absent_ones_inherit_from_their_own_place(count):
    torch.manual_seed(0)
    supernet = ElasticSupernet(MBCONV, 5, 3, **LITE).train()
    rng, images = np.random.default_rng(0), torch.randn(2, 3, 40, 40)
    gaps = MBCONV.parse("r40-s8 | t2c8n2s2k3 | t2,-,4c16n2s1k3,-,5 | t2c16n1s2k3 | t2c32n1s1k3 | t2c32n1s2k3 | n0 | n0 "
                        "| h32")
    for arch in [gaps, *(MBCONV.sample(rng) for _ in range(count))]:
        alone = supernet.member_network(arch).train()
        for module in (alone.head.dropout, supernet._build(arch).head.dropout):
            module.p = 0.0
        with torch.no_grad():
            assert torch.allclose(supernet(images, arch), alone(images), atol=1e-5)
    behind, whole = supernet.member_network(gaps).stages[1][1], supernet.largest.stages[1][2]
    assert torch.equal(behind.expand[0].weight, whole.expand[0].weight[:4 * 16, :16])


def test_what_a_member_inherits_is_the_first_channels_and_the_centre_of_kernels(supernet):
    arch = supernet.smallest_member
    alone, full = supernet.member_network(arch), supernet.largest
    # stage 3 of the smallest: 16 channels in, expansion 2, kernel 3 out of 7, 16 of 24 channels out
    assert torch.equal(alone.stages[2][0].depthwise[0].weight, full.stages[2][0].depthwise[0].weight[:32, :, 2:5, 2:5])
    assert torch.equal(alone.stages[2][0].project[0].weight, full.stages[2][0].project[0].weight[:16, :32])
    assert torch.equal(alone.head.linear.weight, full.head.linear.weight[:, :32])
    assert torch.equal(cut(torch.arange(5.0), torch.Size([2])), torch.tensor([0.0, 1.0]))


def test_gradients_reach_the_slice_and_nothing_else(supernet):
    supernet.zero_grad()
    supernet.train()(torch.randn(4, 3, 32, 32), supernet.smallest_member).square().sum().backward()
    gradient = supernet.largest.stages[2][0].depthwise[0].weight.grad
    inside = torch.zeros_like(gradient, dtype=torch.bool)
    inside[:32, :, 2:5, 2:5] = True
    assert gradient[inside].abs().min() > 0
    assert gradient[~inside].abs().max() == 0
    assert supernet.largest.stages[2][1].depthwise[0].weight.grad is None  # a second block that the member has not
    supernet.zero_grad()


def test_recalibration_gives_the_moments_of_the_batches(supernet):
    network = supernet.member_network(supernet.smallest_member)
    batches = [torch.randn(8, 3, 32, 32), torch.randn(8, 3, 32, 32)]
    recalibrate(network, batches)
    with torch.no_grad():
        from dcanas.spaces.mbconv_network import resize

        values = [network.stem[0](resize(batch, 27)) for batch in batches]  # 192 * 32 / 224 = 27.4
    means = torch.stack([v.mean((0, 2, 3)) for v in values]).mean(0)
    assert torch.allclose(network.stem[1].running_mean, means, atol=1e-6)
    assert network.stem[1].momentum == 0.1
    assert not network.training


def test_spaces_without_slices_and_bounds_are_refused():
    with pytest.raises(UserError, match="Space nasbench201 has no elastic supernet"):
        ElasticSupernet(load_space("nasbench201"), 5, 3)
    with pytest.raises(UserError, match=r"needs bounds in space\.search_skeleton"):
        ElasticSupernet(load_space("mobilenetv2"), 5, 3)


@pytest.mark.parametrize(("change", "message"), [
    ({"stride": [2, 2, 2, 2, 2, 1, 1]}, "must be seven numbers, exactly four of them 2 and the others 1"),
    ({"stride": [2, 1]}, "stride must be 7 numbers, got 2"),
    ({"width": [[8]] * 6}, "width must be 7 lists of options, got 6"),
    ({"kernel": [3, 4]}, "kernel: 4 is no option of kernel1, which has 3 to 7"),
    ({"expansion": [1, 2]}, "expansion of stage 1 mixes 1, which has no widening convolution, with others"),
    ({"width": [[8], [8, 16], [16], [24], [32], [40], [48]]},
     r"stage 2 has stride 1 and may keep the width before it \(8\) in some members"),
    ({"head": "wide"}, r"head must hold whole numbers, got \['wide'\]"),
    ({"depths": [1]}, "Unknown elastic bound 'depths'; did you mean 'depth'"),
])
def test_bounds_that_mean_nothing_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        load_space("mobilenetv2").within({**BOUNDS, **change})
    with pytest.raises(UserError, match="bounds of the elastic supernet lack stem"):
        load_space("mobilenetv2").within({k: v for k, v in BOUNDS.items() if k != "stem"})


def test_members_drawn_within_bounds_stay_there():
    rng = np.random.default_rng(0)
    arch = SPACE.sample(rng)
    for _ in range(200):
        arch = SPACE.mutate(arch, rng)
        assert all(c in allowed for c, allowed in zip(arch.choices, SPACE.allowed, strict=True))
    with pytest.raises(UserError, match="lies outside the search's bounds"):
        SPACE.neighbours(SPACE.width_multiple(1.0))
