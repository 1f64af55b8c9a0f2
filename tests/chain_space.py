"""A space for tests that is no cell and too large to be listed: a chain of layers, some of which may be left out."""

from __future__ import annotations

from typing import Any, ClassVar

from dcanas.spaces import Architecture, Group, Slot, Space
from dcanas.spaces.plan import BlockPlanner

WIDTHS = (0, 4, 8, 16, 24)


class Chain(Space):
    """`layers` convolutions 1x1 of option-dependent cost; `none` leaves the layer out."""

    name = "chain"
    search_skeleton: ClassVar[dict[str, Any]] = {"scale": 1}
    final_skeleton: ClassVar[dict[str, Any]] = {"scale": 1}

    def __init__(self, layers: int = 9, groups: tuple[Group, ...] = ()):
        self.slots = tuple(Slot(f"layer{i}", ("none", "w4", "w8", "w16", "w24")) for i in range(layers))
        self.groups = groups

    def parse(self, text):
        return self.architecture(int(c) for c in text)

    def format(self, arch):
        return "".join(map(str, arch.choices))

    def canonical(self, arch):
        return arch

    def prune(self, arch):
        return arch

    def is_dead(self, arch):
        return not any(arch.choices)

    def plan(self, arch: Architecture, input_shape=(3, 32, 32), num_classes=10, **skeleton: Any):
        """Every used layer is a squeeze of the 8-channel trunk to its width and back, added to the trunk."""
        blocks = []
        stem = BlockPlanner("stem", tuple(input_shape))
        blocks.append(stem.done(stem.conv_bn(0, 8, 1)))
        for choice in arch.choices:
            if choice:
                layer = BlockPlanner("layer", (8, *input_shape[1:]))
                inner = layer.relu(layer.conv_bn(0, WIDTHS[choice], 1))
                blocks.append(layer.done(layer.add(0, layer.conv_bn(inner, 8, 1))))
        return tuple(blocks)

    def build(self, arch, num_classes=10, in_channels=3, **skeleton):
        raise AssertionError("not built in these tests")

    assemble = candidate = source = build
