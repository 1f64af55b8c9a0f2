"""Hand-made networks for microcontrollers, which a search within RAM and flash has to beat.

MobileNetV1 (Howard et al., 2017), DS-CNN (Zhang et al., 2017) and ResNet-8 (He et al., 2016; that of MLPerf Tiny),
narrower and for smaller images until their C code fits, by the same bounds as the networks of the search.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from dcanas.costs import count_architecture
from dcanas.costs.code_bytes import code_bytes
from dcanas.search.handmade import Handmade
from dcanas.spaces import load_space
from dcanas.spaces.mbconv_plan import scaled

LEAST_SIDE, SIDES = 32, 16  # pixels: of the smallest images that are tried, unless the data's are smaller; and steps


def mobilenetv1() -> Iterator[Handmade]:
    """MobileNetV1 at widths from 0.1 to 1."""
    space = load_space("separable")
    for width in space.slots[1].options:
        if float(width) <= 1:
            yield Handmade(f"MobileNetV1 x {width}", "mobilenetv1", space.parse(f"mobilenetv1-x{width}"))


def ds_cnn() -> Iterator[Handmade]:
    """DS-CNN at widths from 0.1 to 2."""
    space = load_space("separable")
    for width in space.slots[1].options:
        yield Handmade(f"DS-CNN x {width}", "ds_cnn", space.parse(f"dscnn-x{width}"))


def resnet8() -> Iterator[Handmade]:
    """ResNet-8 of every width; 16 are its authors'."""
    space = load_space("resnet")
    for width in space.slots[0].options:
        yield Handmade(f"ResNet-8, width {width}", "resnet8", space.parse(f"w{width}-d1-d1-d1"))


families = {family.__name__: family for family in (mobilenetv1, ds_cnn, resnet8)}


def fullest_code(limits: Mapping[str, float], shape: tuple[int, int, int], labels: Sequence[str],
                 arithmetic: str) -> dict[str, list[Handmade]]:
    """Return per family its networks within the limits, the one that uses them best first.

    The measure is the mean over the limits of log(cost / limit). A family without a network within them is left out.

    Args:
        limits: among them `ram_bytes` and `flash_bytes`; those on what is not counted are passed over.
        shape: (C, H, W) of the data's images, the largest that are tried.
        labels: the names of the classes.
        arithmetic: of the code, "float" or "integer".
    """
    found: dict[str, list[Handmade]] = {}
    for name, family in families.items():
        fitting: list[tuple[float, int, Handmade]] = []
        for network in family():
            for size in _sizes(shape[1], shape[2]):
                costs = _costs(network, (shape[0], *size), labels, arithmetic)
                shares = [costs[cost] / limits[cost] for cost in limits if cost in costs]
                if max(shares) <= 1:
                    sized = replace(network, name=f"{network.name}, {size[0]}x{size[1]} pixels", size=size)
                    fitting.append((-sum(map(math.log, shares)) / len(shares), len(fitting), sized))
        if fitting:
            found[name] = [network for _, _, network in sorted(fitting, key=lambda f: f[:2])]
    return found


def _costs(network: Handmade, shape: tuple[int, int, int], labels: Sequence[str], arithmetic: str) -> dict[str, float]:
    space = load_space(network.architecture.space)
    plan = space.plan(network.architecture, shape, len(labels), **network.skeleton)
    counts = count_architecture(space, network.architecture, shape, len(labels), "int8-file", **network.skeleton)
    return {**asdict(counts), **code_bytes(plan, shape, arithmetic, labels)}


def _sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return the sizes (H, W) that images are scaled to, their proportions kept."""
    short = min(height, width)
    return [scaled(height, width, side) for side in sorted({*range(LEAST_SIDE, short, SIDES), short})]
