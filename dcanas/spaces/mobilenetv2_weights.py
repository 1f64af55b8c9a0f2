"""torchvision's MobileNetV2 weights under the names of this package's network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from dcanas.spaces.mbconv_network import Network

T = TypeVar("T")

DEPTHS = (1, 2, 3, 4, 3, 3, 1)  # of MobileNetV2's stages
FIRST = ("depthwise", "project.0", "project.1")  # parts of a block of expansion 1, as torchvision numbers them
OTHERS = ("expand", *FIRST)
SIGN = "features.1.conv.1.weight"  # only torchvision's MobileNetV2 has it: what ends a block of expansion 1


class LoadableNetwork(Network):
    """The space's network, which can start from a file of torchvision; the code for that is not delivered."""

    def adapt_weights(self, state: Mapping[str, T]) -> Mapping[str, T]:
        """Return a state dict under this network's own names; one that is not torchvision's is returned as it is."""
        return from_torchvision(state) if SIGN in state else state


def from_torchvision(state: Mapping[str, T]) -> dict[str, T]:
    """Return the state dict of torchvision's `mobilenet_v2` (any width) with the names of `space.build`'s network."""
    places = ["stem", *(f"stages.{s}.{b}" for s, depth in enumerate(DEPTHS) for b in range(depth)), "head.conv"]
    renamed = {}
    for name, value in state.items():
        kind, number, *rest = name.split(".")
        if kind == "classifier":
            place = "head.linear"
        elif rest[0] == "conv":  # features.3.conv.1.0.weight
            place = f"{places[int(number)]}.{(FIRST if number == '1' else OTHERS)[int(rest[1])]}"
            rest = rest[2:]
        else:
            place = places[int(number)]
        renamed[".".join([place, *rest])] = value
    return renamed
