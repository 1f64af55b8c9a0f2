"""RAM and flash of C before it is generated: arithmetic stated here, and never less than what the linker says."""

from __future__ import annotations

import numpy as np
import pytest

from dcanas.costs import Budget, Domain, Networks, feasibility
from dcanas.costs.code_bytes import CODE, FRAGMENTS, PER_STEP, STACK, code_costs
from dcanas.costs.feasibility import select_costs
from dcanas.hardware import load_device
from dcanas.hardware.microcontroller.proof import missing_tools
from dcanas.hardware.microcontroller.untrained import linked_costs
from dcanas.spaces import load_space

CHAIN = "r32-s8 | t1c8n1s1k3 | n0 | n0 | n0 | n0 | n0 | n0 | h16"


def test_the_bounds_of_a_small_chain_by_hand():
    """Stem 3x3 from 3 to 8 channels every 2 pixels, a depthwise 3x3, a 1x1 to 8 with a sum, a 1x1 to 16, a matrix to 5.

    Stored: kernels 216, 72, 64, 128, 80; filters 8 + 8 + 8 + 16 + 5 of 8 bytes; the matrix's fifth row twice; tables of
    3 x 256; steps: 5 with weights, 3 ReLUs, a sum, a pooling. The most alive at once: 16 x 16 pixels, the sum's 8 and 8
    channels, or the head's 8 and 16; scratch: two 3x3 patches of 3 channels, or one of 8.
    """
    space = load_space("mbconv")
    arch = space.parse(CHAIN)
    domain = Domain.of(space, (3, 32, 32), 5, reference=224)
    ram, flash = code_costs(space, domain, "float", ["a", "bc"])
    kernels, filters, again = 216 + 72 + 64 + 128 + 80, 8 + 8 + 8 + 16 + 5, 16
    labels = (1 + 8) + (2 + 8)
    assert flash.value(arch) == CODE["float"] + labels + 3 * 256 + kernels + 8 * filters + again + 10 * PER_STEP
    most = 16 * 16 * (8 + 16)
    assert ram.value(arch) == int(most * (1 + FRAGMENTS) + 72 + 3 * 32 * 32 + 5 + STACK + 0.999)
    assert (ram.upper(arch), ram.source, ram.unit) == (ram.value(arch), "counted", "B")


@pytest.mark.parametrize(("space", "skeleton"), [
    ("fbnet", {"stem": "cifar"}), pytest.param("darts", {"channels": 4, "cells": 3}, marks=pytest.mark.slow)])
def test_a_limit_below_every_member_of_a_large_space_is_found_before_a_search(space, skeleton):
    """RAM adds up over no slots: descents end above the limit, and say how low they came."""
    space = load_space(space)
    ram, flash = code_costs(space, Domain.of(space, (3, 32, 32), 10, **skeleton), "float")
    for cost, limit in ((ram, 5000), (flash, 6000)):
        found = feasibility(space, [ram, flash], Budget({cost.name: limit}))
        assert not found.feasible
        assert found.binding == (cost.name,)
        assert found.smallest[cost.name] > limit
    rng = np.random.default_rng(1)
    drawn = [space.prune(space.sample(rng)) for _ in range(50)]
    enough = {cost.name: min(cost.upper(arch) for arch in drawn) for cost in (ram, flash)}
    assert feasibility(space, [ram, flash], Budget({"ram_bytes": enough["ram_bytes"]})).feasible
    assert [cost.name for cost in select_costs([ram, flash], Budget(enough))] == ["ram_bytes", "flash_bytes"]


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_tools()), reason="no cross compiler")
@pytest.mark.parametrize("device", ["nano33ble", pytest.param("rp2040", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(("space", "skeleton", "text"), [
    ("mbconv", {}, CHAIN),
    ("nasbench201", {"channels": 4, "cells": 1},
     "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"),
])
def test_a_network_linked_before_training_fits_its_bound_and_limits_to_the_byte(device, space, skeleton, text):
    space, device, classes = load_space(space), load_device(device), ["cat", "dog"]
    arch = space.parse(text)
    networks = Networks(space, (3, 32, 32), 2, skeleton)
    found = linked_costs(networks, arch, device, {}, classes)
    arithmetic = "float" if device.name == "nano33ble" else "integer"
    for cost in code_costs(space, networks.domain(), arithmetic, classes):
        assert found[cost.name] <= cost.upper(arch) <= found[cost.name] + 6000
    assert linked_costs(networks, arch, device, found, classes) == found
    for name, words in (("flash_bytes", "1 too few"), ("ram_bytes", "of ram_bytes")):
        with pytest.raises(Exception, match=words):
            linked_costs(networks, arch, device, {**found, name: found[name] - 1}, classes)
