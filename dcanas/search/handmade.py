"""Hand-made networks of the same size, which a search has to beat.

Three families that are common without a search, each with the parameters of its authors: MobileNetV2 and its width
multiplier (Sandler et al., CVPR 2018), the ResNet cell of NAS-Bench-201 (Dong & Yang, ICLR 2020) in more or fewer
channels and cells, and the small ResNets for CIFAR (He et al., CVPR 2016), 6n + 2 layers of some width. In a run from
pretrained weights a fourth one: the pretrained network, cut after a stage. All of them are members of spaces, so they
are counted, built, trained and exported like what a search finds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dcanas.costs import Budget, Counts, count_architecture
from dcanas.pretrained import PretrainedParts
from dcanas.spaces import Architecture, load_space
from dcanas.spaces.mobilenetv2 import MobileNetV2

RESNET_CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
PRETRAINED = "pretrained"  # family of the parts of a pretrained network
SMALL_SIDE = 64  # pixels; at most that, MobileNetV2 keeps its resolution in the stem


@dataclass(frozen=True)
class Handmade:
    """One hand-made network: its name and family, its architecture, and the skeleton that it is built with.

    size: (H, W) of the images that it is given, in pixels; None: those of the data set.
    """

    name: str
    family: str
    architecture: Architecture
    skeleton: Mapping[str, Any] = field(default_factory=dict, hash=False)
    size: tuple[int, int] | None = None


def mobilenetv2(side: int) -> Iterator[Handmade]:
    """MobileNetV2 at width multipliers from 0.1 to 1.4; its stem keeps the resolution of images up to 64 pixels.

    Images below 32 pixels are scaled up to that, for its strides divide by 16.
    """
    space = MobileNetV2()
    skeleton = {"stem": "cifar" if side <= SMALL_SIDE else "imagenet", "reference": max(side, 32)}
    for percent in range(10, 145, 5):
        yield Handmade(f"MobileNetV2 x {percent / 100:g}", "mobilenetv2", space.width_multiple(percent / 100),
                       skeleton)


def resnet_cell(side: int) -> Iterator[Handmade]:
    """NAS-Bench-201's network of ResNet cells: two 3x3 convolutions and a skip around them."""
    arch = load_space("nasbench201").parse(RESNET_CELL)
    for cells in range(1, 9):
        for channels in range(4, 68, 4):
            yield Handmade(f"ResNet cell, {cells} per stage, {channels} channels", "resnet_cell", arch,
                           {"channels": channels, "cells": cells})


def resnet(side: int) -> Iterator[Handmade]:
    """ResNet-(6n + 2) for n = 1 to 9, of every width."""
    space = load_space("resnet")
    widths = [int(option) for option in space.slots[0].options]
    for depth in range(1, 10):
        for width in widths:
            yield Handmade(f"ResNet-{6 * depth + 2}, width {width}", "resnet",
                           space.parse(f"w{width}-d{depth}-d{depth}-d{depth}"))


def stage_cut(space: PretrainedParts, arch: Architecture, skeleton: Mapping[str, Any]) -> Handmade:
    """Return the pretrained network cut after a stage, or whole, with its name; skeleton: of the run's networks."""
    chain = space.chain(arch)
    where = "whole" if len(chain.stages) == len(space.whole.stages) else f"cut after stage {len(chain.stages)}"
    return Handmade(f"{space.pretrained.source.name} {where}, {chain.resolution} px", PRETRAINED, arch, skeleton)


families = {family.__name__: family for family in (mobilenetv2, resnet_cell, resnet)}


def fullest(side: int, limits: Budget, input_shape: tuple[int, int, int], num_classes: int,
            dtype: str = "fp32") -> dict[str, list[tuple[Handmade, Counts]]]:
    """Return per family its networks within the counted `limits`, the one that uses them best first.

    The measure is the mean over the limits of log(cost / limit), see `fill`. A family without a network within the
    limits is left out.

    Args:
        side: of the images, in pixels.
        input_shape: (C, H, W) of an image.
        dtype: of the network, "fp32" or "int8".
    """
    found: dict[str, list[tuple[Handmade, Counts]]] = {}
    for family in families:
        fitting: list[tuple[float, int, Handmade, Counts]] = []
        for network in families[family](side):
            counts = count_architecture(load_space(network.architecture.space), network.architecture, input_shape,
                                        num_classes, dtype, **network.skeleton)
            filled = fill(limits, counts)
            if filled is not None:
                fitting.append((-filled, len(fitting), network, counts))
        if fitting:
            found[family] = [(network, counts) for _, _, network, counts in sorted(fitting, key=lambda f: f[:2])]
    return found


def fill(limits: Budget, counts: Counts) -> float | None:
    """Return the mean over the counted limits of log(cost / limit), at most 0; None if one of them is broken."""
    names = counted_limits(limits)
    values = [getattr(counts, name) / limits[name] for name in names]
    if not names or max(values) > 1:
        return None
    return sum(math.log(v) for v in values) / len(values)


def counted_limits(limits: Mapping[str, float]) -> Sequence[str]:
    """Return the names of the limits on what is counted."""
    return [name for name in limits if name in Counts.__dataclass_fields__]
