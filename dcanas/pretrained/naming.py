"""Names of the same parameters in other libraries' networks of inverted residuals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

Blocks = list[tuple[int, int, tuple[str, ...]]]  # in order: stage, block, and its parts, of PARTS
PARTS = ("expand", "depthwise", "project")  # each a convolution (.0) and a batch norm (.1)


def names_in(library: str, names: Iterable[str]) -> dict[str, str]:
    """Return the names that parameters and statistics of a network have in another library.

    Args:
        library: key of `LIBRARIES`.
        names: of the state dict of the whole network as `mbconv` builds it: stages and blocks numbered as published.
    """
    names = list(names)
    modules = dict(LIBRARIES[library](_blocks(names)))
    return {name: f"{modules[module]}.{leaf}" for name in names for module, _, leaf in [name.rpartition(".")]}


def whole_name(name: str, origins: Mapping[str, str]) -> str:
    """Return the name that a parameter has in the network with all blocks; origins: see `mbconv_notation.origins`."""
    block = ".".join(name.split(".")[:3])  # stages.S.B
    return origins.get(block, block) + name[len(block):]


def _blocks(names: list[str]) -> Blocks:
    found = [re.match(r"stages\.(\d+)\.(\d+)\.(\w+)", name) for name in names]
    parts = list(dict.fromkeys((int(each[1]), int(each[2]), each[3]) for each in found if each))
    return [(*place, tuple(part for *there, part in parts if tuple(there) == place))
            for place in dict.fromkeys((stage, block) for stage, block, _ in parts)]


def _torchvision(blocks: Blocks) -> Iterator[tuple[str, str]]:
    for number, (stage, block, parts) in enumerate(blocks, start=1):
        for position, part in enumerate(parts):
            for i in range(2):
                inner = f"{position + i}" if part == "project" else f"{position}.{i}"
                yield f"stages.{stage}.{block}.{part}.{i}", f"features.{number}.conv.{inner}"
    for i in range(2):
        yield f"stem.{i}", f"features.0.{i}"
        yield f"head.conv.{i}", f"features.{len(blocks) + 1}.{i}"
    yield "head.linear", "classifier.1"


def _torchvision_mnasnet(blocks: Blocks) -> Iterator[tuple[str, str]]:
    """Activations count as layers, too; the first stage is one block without expansion and no layer of its own."""
    for stage, block, parts in blocks:
        for part in parts:
            for i in range(2):
                layer = 3 * PARTS.index(part) + i
                yield (f"stages.{stage}.{block}.{part}.{i}",
                       f"layers.{stage + 7}.{block}.layers.{layer}" if stage else f"layers.{layer}")
    for i in range(2):
        yield f"stem.{i}", f"layers.{i}"
        yield f"head.conv.{i}", f"layers.{blocks[-1][0] + 8 + i}"
    yield "head.linear", "classifier.1"


def _efficientnet_lite_pytorch(blocks: Blocks) -> Iterator[tuple[str, str]]:
    for number, (stage, block, parts) in enumerate(blocks):
        for part in parts:
            yield f"stages.{stage}.{block}.{part}.0", f"_blocks.{number}._{part}_conv"
            yield f"stages.{stage}.{block}.{part}.1", f"_blocks.{number}._bn{PARTS.index(part)}"
    yield from (("stem.0", "_conv_stem"), ("stem.1", "_bn0"), ("head.conv.0", "_conv_head"), ("head.conv.1", "_bn1"),
                ("head.linear", "_fc"))


def _timm(blocks: Blocks) -> Iterator[tuple[str, str]]:
    for stage, block, parts in blocks:
        theirs = ("conv_pw", "conv_dw", "conv_pwl") if "expand" in parts else ("conv_dw", "conv_pw")
        for number, (part, convolution) in enumerate(zip(parts, theirs, strict=True), start=1):
            yield f"stages.{stage}.{block}.{part}.0", f"blocks.{stage}.{block}.{convolution}"
            yield f"stages.{stage}.{block}.{part}.1", f"blocks.{stage}.{block}.bn{number}"
    yield from (("stem.0", "conv_stem"), ("stem.1", "bn1"), ("head.conv.0", "conv_head"), ("head.conv.1", "bn2"),
                ("head.linear", "classifier"))


LIBRARIES = {"torchvision": _torchvision, "torchvision_mnasnet": _torchvision_mnasnet,
             "efficientnet_lite_pytorch": _efficientnet_lite_pytorch, "timm": _timm}
