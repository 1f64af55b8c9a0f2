"""The DARTS space (Liu, Simonyan, Yang, ICLR 2019; arXiv 1806.09055).

Two cells, normal and reduction, with two inputs (the outputs of the two cells before) and four nodes, each the sum of
two operations on different earlier nodes: 14 edges per cell, of which 8 are used, 7 operations; about 10^18 members.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.basics.errors import UserError, unknown
from dcanas.spaces.darts_genotype import NODES, PUBLISHED, format_genotype, parse_genotype, published
from dcanas.spaces.darts_plan import EDGES, plan_network, total_stride
from dcanas.spaces.plan import Block
from dcanas.spaces.space import Space, delivered_source
from dcanas.spaces.types import Architecture, CellSpec, Group, Slot

if TYPE_CHECKING:
    import torch

OPTIONS = ("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3",
           "dil_conv_5x5")


class Darts(Space):
    """DARTS: a normal and a reduction cell of 14 edges, two used edges per node, seven operations.

    Skeleton: `channels` of the first cells, `cells`, `stem` ("cifar", "imagenet"), `auxiliary` (a second classifier,
    for training only: no count of a delivered network includes it). Every member is alive and equals its `prune`:
    all nodes are part of the output.
    """

    name = "darts"
    slots = tuple(Slot(f"{cell} {source}->{target}", OPTIONS) for cell in ("normal", "reduce")
                  for source, target in EDGES)
    groups = tuple(Group(tuple(offset + e for e, (_, target) in enumerate(EDGES) if target == node), 2)
                   for offset in (0, len(EDGES)) for node in NODES)
    search_skeleton: ClassVar[dict[str, Any]] = {"channels": 16, "cells": 8, "stem": "cifar"}
    final_skeleton: ClassVar[dict[str, Any]] = {"channels": 36, "cells": 20, "stem": "cifar", "auxiliary": False}
    skeleton_options: ClassVar[dict[str, Sequence[str]]] = {"stem": ("cifar", "imagenet")}

    def parse(self, text: str) -> Architecture:
        """Read `Genotype(...)` or the name of a published genotype (DARTS_V1, DARTS_V2, PC-DARTS, PC_DARTS_image)."""
        cells = published(text)
        if cells is None and text.strip() and "(" not in text:
            raise unknown("genotype", text.strip(), PUBLISHED)
        cells = cells or parse_genotype(text, OPTIONS[1:])
        choices = [0] * len(self.slots)
        for offset, cell in ((0, "normal"), (len(EDGES), "reduce")):
            for position, (operation, source) in enumerate(cells[cell]):
                choices[offset + EDGES.index((source, 2 + position // 2))] = OPTIONS.index(operation)
        return self.architecture(choices)

    def format(self, arch: Architecture) -> str:
        normal, reduce = self._operations(arch)
        return format_genotype({
            cell: [(name, source) for name, (source, _) in zip(names, EDGES, strict=True) if name != "none"]
            for cell, names in (("normal", normal), ("reduce", reduce))})

    def canonical(self, arch: Architecture) -> Architecture:
        """Return the smallest code among those that number a cell's nodes differently.

        The next cells read all four nodes through a learnt 1x1 convolution, so their order in the output changes
        nothing but the order of its weights: the same functions, parameters and MACs. Live memory may differ, for the
        nodes are computed in their order.
        """
        half = len(EDGES)
        return Architecture(self.name, _canonical_cell(arch.choices[:half]) + _canonical_cell(arch.choices[half:]))

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the published evaluation network. Input (N, in_channels, H, W).

        With `auxiliary=True` its output in training mode is (logits, logits of the auxiliary head). Training sets
        `drop_path` on its `Graph` modules.
        """
        from dcanas.spaces.darts_network import Graph, Network

        normal, reduce = self._operations(arch)
        return Network(lambda channels, reduction: Graph(reduce if reduction else normal, channels, reduction),
                       num_classes, in_channels, **self.complete_skeleton(skeleton))

    def assemble(self, make_cell: Callable[[CellSpec], torch.nn.Module], num_classes: int = 10, in_channels: int = 3,
                 **skeleton: Any) -> torch.nn.Module:
        from dcanas.spaces.darts_network import Network

        skeleton = self.complete_skeleton(skeleton)
        if skeleton["auxiliary"]:
            raise UserError("A supernet has no auxiliary head; set auxiliary=true in the final skeleton only.")

        def graph(channels: int, reduction: bool) -> torch.nn.Module:
            offset = len(EDGES) if reduction else 0
            strides = tuple(2 if reduction and source < 2 else 1 for source, _ in EDGES)
            return make_cell(CellSpec(tuple(range(offset, offset + len(EDGES))), EDGES, NODES, channels, channels,
                                      strides, inputs=2))

        return Network(graph, num_classes, in_channels, affine=False, **skeleton)

    def candidate(self, option: str, in_channels: int, out_channels: int, stride: int) -> torch.nn.Module | None:
        """As published: in the supernet a pooling is followed by batch norm, so that no option is louder by nature."""
        from torch import nn

        from dcanas.spaces.darts_network import operation

        if option == "none":
            return None
        built = operation(option, in_channels, stride, affine=False)
        return nn.Sequential(built, nn.BatchNorm2d(in_channels, affine=False)) if "pool" in option else built

    def operation(self, option: str, in_channels: int, out_channels: int, stride: int) -> torch.nn.Module | None:
        """Without the batch norm that only the supernet's poolings have."""
        from dcanas.spaces.darts_network import operation

        return None if option == "none" else operation(option, in_channels, stride)

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import darts_network

        normal, reduce = self._operations(arch)
        options = "".join(f", {k}={v!r}" for k, v in self.complete_skeleton(skeleton).items())
        return delivered_source(
            darts_network, f"Return {self.format(arch)}.", f"normal = {normal!r}", f"reduce = {reduce!r}",
            "return Network(lambda channels, reduction: Graph(reduce if reduction else normal, channels, reduction),",
            f"               {num_classes}, {in_channels}{options})")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        """Without auxiliary head. Raises `UserError` if the image is too small for the skeleton's strides."""
        skeleton = self.complete_skeleton(skeleton)
        cells, stem = skeleton["cells"], skeleton["stem"]
        self.require_side(input_shape, total_stride(cells, stem), f" with {cells} cells and stem={stem}",
                          " or stem=cifar" if stem == "imagenet" else "")
        normal, reduce = self._operations(arch)
        return plan_network(normal, reduce, tuple(input_shape), num_classes, skeleton["channels"], cells, stem)

    def delivered_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        return {**skeleton, "auxiliary": False}

    def complete_skeleton(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        complete = super().complete_skeleton(skeleton)
        if complete["channels"] < 2:
            raise UserError("darts needs at least 2 channels, because a reduction makes half of them twice; got "
                            f"channels={complete['channels']}.")
        return complete

    def _operations(self, arch: Architecture) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the operations on the edges of the normal and of the reduction cell."""
        names = tuple(OPTIONS[choice] for choice in arch.choices)
        return names[:len(EDGES)], names[len(EDGES):]


def _canonical_cell(choices: tuple[int, ...]) -> tuple[int, ...]:
    used = [(source, target, choice) for (source, target), choice in zip(EDGES, choices, strict=True) if choice]
    best = choices
    for order in itertools.permutations(NODES):
        number = {0: 0, 1: 1, **dict(zip(NODES, order, strict=True))}
        renamed = [((number[source], number[target]), choice) for source, target, choice in used]
        if all(source < target for (source, target), _ in renamed):
            placed = dict(renamed)
            best = min(best, tuple(placed.get(edge, 0) for edge in EDGES))
    return best
