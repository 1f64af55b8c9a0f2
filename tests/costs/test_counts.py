"""Counts against published formulas, torch's own counter and the exported file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dcanas.basics.errors import UserError
from dcanas.costs import count_architecture, count_network, linear_counts
from dcanas.export import export_onnx, peak_live_bytes, stored_weight_bytes, with_random_statistics
from dcanas.spaces import load_space

SPACE = load_space("nasbench201")
EVERY = list(SPACE.enumerate())


def _convolutions(arch) -> tuple[int, int]:
    return arch.choices.count(3), arch.choices.count(2)


def test_published_parameters_and_macs_of_every_code() -> None:
    """params = 73,306 + 243,040 n3 + 28,000 n1; MACs = 7.78304 M + 35.389 M n3 + 3.932 M n1 (channels 16, cells 5).

    A 3x3 convolution on all 15 cells: 5 * 32 * 32 * 9 * 16^2 MACs per stage, equal in the three stages (channels
    double, area falls to a quarter): 3 * 5 * 2,359,296 = 35,389,440; a 1x1 convolution a ninth of it.
    """
    codes = np.array([arch.choices for arch in EVERY])
    n3, n1 = (codes == 3).sum(axis=1), (codes == 2).sum(axis=1)
    params, macs = 73_306 + 243_040 * n3 + 28_000 * n1, 7_783_040 + 35_389_440 * n3 + 3_932_160 * n1
    linear = linear_counts(SPACE, (3, 32, 32), 10)
    np.testing.assert_array_equal(linear["params"].values(codes), params)
    np.testing.assert_array_equal(linear["macs"].values(codes), macs)
    for i in np.random.default_rng(0).integers(len(EVERY), size=1000):
        counts = count_architecture(SPACE, EVERY[i])
        assert (counts.params, counts.macs, counts.flops) == (params[i], macs[i], 2 * macs[i])


def test_parameters_for_another_number_of_classes() -> None:
    """CIFAR-100 adds 90 classes x (64 weights + 1 bias)."""
    more = count_architecture(SPACE, EVERY[0], num_classes=100).params - count_architecture(SPACE, EVERY[0]).params
    assert more == 64 * 90 + 90


@pytest.mark.parametrize(("shape", "skeleton"), [((3, 32, 32), {"channels": 16, "cells": 5}),
                                                 ((1, 8, 8), {"channels": 12, "cells": 2}),
                                                 ((3, 15, 18), {"channels": 4, "cells": 1})])
def test_macs_and_parameters_equal_torchs_counter_for_random_codes(shape, skeleton) -> None:
    rng = np.random.default_rng(0)
    for i in rng.integers(len(EVERY), size=5):
        arch = EVERY[int(i)]
        with torch.device("meta"):
            net = SPACE.build(arch, 10, shape[0], **skeleton).eval()
            with FlopCounterMode(display=False) as flops:
                net(torch.empty(1, *shape))
        counts = count_architecture(SPACE, arch, shape, 10, **skeleton)
        assert counts.macs == flops.get_total_flops() // 2
        assert counts.params == sum(p.numel() for p in net.parameters())


def test_counting_a_built_network_equals_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    skeleton = {"channels": 8, "cells": 1}
    for _ in range(24):
        arch = SPACE.sample(rng)
        net = SPACE.build(arch, 10, 3, **skeleton)
        before = {k: v.clone() for k, v in net.state_dict().items()}
        assert count_network(net, (3, 16, 16)) == count_architecture(SPACE, arch, (3, 16, 16), 10, **skeleton)
        assert net.training
        assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


@pytest.mark.slow
def test_live_memory_and_weights_equal_the_exported_file(tmp_path) -> None:
    """One member per number of 3x3 convolutions; the other members' counts are those of built networks, see above."""
    rng = np.random.default_rng(2)
    for i in range(3):
        arch = SPACE.sample(rng)
        while _convolutions(arch)[0] != i + 1:
            arch = SPACE.sample(rng)
        shape = ((3, 16, 16), (1, 9, 13))[i % 2]
        net = with_random_statistics(SPACE.build(arch, 10, shape[0], channels=8, cells=1), seed=i)
        path = export_onnx(net, tmp_path / f"{i}.onnx", shape)
        counts = count_architecture(SPACE, arch, shape, 10, channels=8, cells=1)
        assert counts.peak_bytes == peak_live_bytes(path), SPACE.format(arch)
        assert counts.weight_bytes == stored_weight_bytes(path), SPACE.format(arch)


def test_a_second_batch_norm_behind_a_convolution_is_folded_too(tmp_path) -> None:
    """A cell that ends in one convolution hands its batch norm to the head's: the file holds the head's four vectors of
    4 x 8 channels less, 4 * 32 * 4 bytes. The count keeps them, so that it stays a sum over slots."""
    chain = SPACE.parse("|nor_conv_1x1~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|")
    net = with_random_statistics(SPACE.build(chain, 10, 3, channels=8, cells=1))
    path = export_onnx(net, tmp_path / "chain.onnx", (3, 16, 16))
    counts = count_architecture(SPACE, chain, (3, 16, 16), 10, channels=8, cells=1)
    assert counts.weight_bytes == stored_weight_bytes(path) + 4 * 32 * 4
    assert counts.peak_bytes == peak_live_bytes(path)


def test_peak_memory_by_hand() -> None:
    """Skips only: the stem's output T = 16 x 32 x 32 values stays alive alone; node 3 = x + x + ... is added in place.

    The stem holds the image (3 x 1024) and T; the first reduction holds T, its rectified copy (T) and the half-size
    output (2 C, a quarter of the area: T / 2), 2.5 T = 40,960 values = 163,840 bytes.
    """
    skip = SPACE.parse("|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|")
    assert count_architecture(SPACE, skip).peak_bytes == 4 * int(2.5 * 16 * 1024)
    assert count_architecture(SPACE, skip, dtype="int8").peak_bytes == int(2.5 * 16 * 1024)


def test_peak_memory_of_a_dead_edge_is_not_charged() -> None:
    alive = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|")
    dead_end = SPACE.parse("|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|skip_connect~1|none~2|")
    assert count_architecture(SPACE, alive).peak_bytes == count_architecture(SPACE, dead_end).peak_bytes


def test_counts_by_hand_for_other_layers() -> None:
    """Depthwise 3x3 on 8 channels at 4x4: 9 * 8 weights, 9 * 8 * 16 MACs; 1x1 to 12: 96 weights, 96 * 16 MACs;
    linear 12 -> 5: 60 MACs, 65 parameters. The depthwise bias is stored, the 1x1's comes from its batch norm."""
    net = torch.nn.Sequential(
        torch.nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=True), torch.nn.ReLU6(),
        torch.nn.Conv2d(8, 12, 1, bias=False), torch.nn.BatchNorm2d(12),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(12, 5))
    counts = count_network(net, (8, 4, 4))
    assert counts.params == (72 + 8) + 96 + 24 + 65
    assert counts.macs == 72 * 16 + 96 * 16 + 60
    assert counts.weight_bytes == 4 * (72 + 8 + 96 + 12 + 60 + 5)
    assert counts.peak_bytes == 4 * 16 * (8 + 12)
    assert count_network(net, (8, 4, 4), dtype="int8").weight_bytes == 72 + 96 + 60 + 4 * (8 + 12 + 5)


def test_an_unknown_dtype_is_named() -> None:
    with pytest.raises(UserError, match="Unknown dtype 'int9'; did you mean 'int8'"):
        count_architecture(SPACE, EVERY[0], dtype="int9")
