"""Hand-made networks for microcontrollers: within RAM and flash, and the one that fills them best."""

from __future__ import annotations

import math

import pytest

from dcanas.costs.code_bytes import code_bytes
from dcanas.search.handmade_code import families, fullest_code
from dcanas.spaces import load_space

LABELS = ["cardboard", "glass", "metal", "paper", "plastic", "trash"]


@pytest.mark.parametrize(("ram", "flash", "missing"), [
    (64 * 1024, 256 * 1024, set()), (16 * 1024, 64 * 1024, {"resnet8"}), (256 * 1024, 1 << 20, set()),
    (6 * 1024, 1 << 20, {"mobilenetv1", "ds_cnn", "resnet8"})])
def test_each_is_within_the_limits_and_none_fills_them_better(ram, flash, missing):
    """The mean of the logarithms of both shares, over all widths and sizes of 32, 48, 64, 80 and 96 pixels."""
    limits = {"ram_bytes": ram, "flash_bytes": flash}
    found = fullest_code(limits, (3, 96, 96), LABELS, "float")
    assert set(families) - set(found) == missing
    for name, networks in found.items():
        fills = {}
        for network in families[name]():
            space = load_space(network.architecture.space)
            for side in (32, 48, 64, 80, 96):
                plan = space.plan(network.architecture, (3, side, side), len(LABELS))
                shares = [value / limits[cost] for cost, value in
                          code_bytes(plan, (3, side, side), "float", LABELS).items()]
                if max(shares) <= 1:
                    fills[network.architecture, (side, side)] = sum(map(math.log, shares)) / 2
        assert {(network.architecture, network.size) for network in networks} == set(fills)
        assert fills[networks[0].architecture, networks[0].size] == max(fills.values())


def test_the_references_of_microcontrollers_are_members():
    """MobileNetV1 at widths .25 and .35, ResNet-8 of 16 channels, DS-CNN of 64: within 256 and 1,024 KiB."""
    found = fullest_code({"ram_bytes": 1 << 18, "flash_bytes": 1 << 20}, (3, 96, 96), LABELS, "float")
    names = {network.name for networks in found.values() for network in networks}
    assert {"MobileNetV1 x 0.25, 96x96 pixels", "MobileNetV1 x 0.35, 96x96 pixels", "ResNet-8, width 16, 64x64 pixels",
            "DS-CNN x 1, 48x48 pixels"} <= names


def test_proportions_and_small_images_stay():
    found = fullest_code({"ram_bytes": 1 << 18, "flash_bytes": 1 << 20}, (1, 8, 8), ["a", "b"], "integer")
    assert {network.size for networks in found.values() for network in networks} == {(8, 8)}
    wide = fullest_code({"ram_bytes": 1 << 18, "flash_bytes": 1 << 20}, (3, 48, 64), ["a", "b"], "float")
    assert {network.size for networks in wide.values() for network in networks} == {(32, 43), (48, 64)}
