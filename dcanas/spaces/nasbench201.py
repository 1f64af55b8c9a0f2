"""NAS-Bench-201 / NATS-Bench topology space (Dong & Yang, ICLR 2020; arXiv 2001.00326).

A cell has four nodes; node i sums the operations on its edges from all nodes before it: six edges, five operations,
5^6 = 15,625 codes. Edges are slots, in the order of the notation
`|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`: 0->1, 0->2, 1->2, 0->3, 1->3, 2->3.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Hashable, Iterator
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from dcanas.spaces.plan import Block, BlockPlanner, Shape
from dcanas.spaces.space import Space, delivered_source
from dcanas.spaces.types import Architecture, CellSpec, NotationError, Slot

if TYPE_CHECKING:
    import torch

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (source, target)
OUTPUT = 3


class NasBench201(Space):
    """NAS-Bench-201: six edges, five operations each, one cell for the whole network.

    Skeleton: `channels` of the first stage, `cells` per stage.
    """

    name = "nasbench201"
    slots = tuple(Slot(f"{source}->{target}", OPERATIONS) for source, target in EDGES)
    search_skeleton: ClassVar[dict[str, Any]] = {"channels": 16, "cells": 5}
    final_skeleton: ClassVar[dict[str, Any]] = {"channels": 16, "cells": 5}

    def parse(self, text: str) -> Architecture:
        nodes = text.strip().split("+")
        if len(nodes) != OUTPUT:
            raise NotationError(f"NAS-Bench-201 notation has 3 nodes joined by '+', found {len(nodes)} in {text!r}.")
        choices = []
        for target, node in enumerate(nodes, start=1):
            terms = node.strip().split("|")[1:-1]
            if not re.fullmatch(r"\|(?:[^|]*\|)+", node.strip()) or len(terms) != target:
                raise NotationError(f"Node {target} must be {target} terms 'operation~source' between bars, "
                                    f"found {node!r}.")
            for source, term in enumerate(terms):
                operation, _, index = term.strip().partition("~")
                if operation not in OPERATIONS or index != str(source):
                    raise NotationError(f"Node {target}, term {source + 1}: expected one of "
                                        f"{', '.join(OPERATIONS)} followed by ~{source}, found {term!r}.")
                choices.append(OPERATIONS.index(operation))
        return self.architecture(choices)

    def format(self, arch: Architecture) -> str:
        names = [OPERATIONS[c] for c in arch.choices]
        return "+".join(
            "|" + "|".join(f"{name}~{s}" for name, (s, t) in zip(names, EDGES, strict=True) if t == target) + "|"
            for target in range(1, OUTPUT + 1))

    def enumerate(self) -> Iterator[Architecture]:
        """Yield the 15,625 codes in the benchmark's order: architecture k is the benchmark's index k."""
        return iter(self._order)

    def canonical(self, arch: Architecture) -> Architecture:
        """Return the code of lowest index with the same string under the benchmark's rule (6,466 classes).

        It does not preserve cost: costs and accuracies belong to the code itself.
        """
        return self._representatives[canonical_string(arch.choices)]

    def function(self, arch: Architecture) -> Hashable:
        """Return the sum that the output is, whatever nodes it passes, and how often each operation is in the cell.

        A node is a sum of terms, each an operation on a node; a skip hands on the terms of its source.
        """
        sums: list[tuple[Any, ...]] = [("image",)]
        for target in range(1, OUTPUT + 1):
            terms: list[Any] = []
            for choice, (source, end) in zip(arch.choices, EDGES, strict=True):
                name = OPERATIONS[choice]
                if end == target and name != "none" and sums[source]:
                    terms += sums[source] if name == "skip_connect" else [(name, sums[source])]
            sums.append(tuple(sorted(terms, key=repr)))
        alive = live_edges(arch.choices)
        return sums[OUTPUT], tuple(sorted(c for edge, c in enumerate(arch.choices) if edge in alive and c > 1))

    def is_dead(self, arch: Architecture) -> bool:
        return not live_edges(arch.choices)

    def prune(self, arch: Architecture) -> Architecture:
        live = live_edges(arch.choices)
        return Architecture(self.name, tuple(c if e in live else 0 for e, c in enumerate(arch.choices)))

    def build(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3,
              **skeleton: Any) -> torch.nn.Module:
        """Return the published network; options `channels`, `cells`. Input (N, in_channels, H, W).

        Dead edges are built and run, as in the published counts, and add nothing.
        """
        from dcanas.spaces.nasbench201_network import Cell

        operations = [OPERATIONS[c] for c in arch.choices]
        return self.assemble(lambda cell: Cell(operations, cell.in_channels), num_classes, in_channels, **skeleton)

    def assemble(self, make_cell: Callable[[CellSpec], torch.nn.Module], num_classes: int = 10, in_channels: int = 3,
                 **skeleton: Any) -> torch.nn.Module:
        from dcanas.spaces.nasbench201_network import Network

        return Network(lambda channels: make_cell(CellSpec(tuple(range(len(EDGES))), EDGES, (OUTPUT,), channels,
                                                           channels, (1,) * len(EDGES))),
                       num_classes, in_channels, **self.complete_skeleton(skeleton))

    def candidate(self, option: str, in_channels: int, out_channels: int, stride: int) -> torch.nn.Module | None:
        from dcanas.spaces.nasbench201_network import operation

        return None if option == "none" else operation(option, in_channels, affine=False)

    def source(self, arch: Architecture, num_classes: int = 10, in_channels: int = 3, **skeleton: Any) -> str:
        from dcanas.spaces import nasbench201_network

        operations = tuple(OPERATIONS[c] for c in arch.choices)
        options = "".join(f", {k}={v!r}" for k, v in self.complete_skeleton(skeleton).items())
        return delivered_source(nasbench201_network, f"Return {self.format(arch)}.",
                                f"return Network(lambda channels: Cell({operations!r}, channels), {num_classes}, "
                                f"{in_channels}{options})")

    def plan(self, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10,
             **skeleton: Any) -> tuple[Block, ...]:
        skeleton = self.complete_skeleton(skeleton)
        channels, cells = skeleton["channels"], skeleton["cells"]
        _, height, width = input_shape
        blocks = [_stem(tuple(input_shape), channels)]
        for stage in range(3):
            if stage:
                blocks.append(_reduction((channels, height, width)))
                channels, height, width = 2 * channels, -(-height // 2), -(-width // 2)
            blocks.append(_cell(arch.choices, (channels, height, width), cells))
        return (*blocks, _head((channels, height, width), num_classes))

    @cached_property
    def _order(self) -> list[Architecture]:
        codes = [Architecture(self.name, c) for c in itertools.product(range(len(OPERATIONS)), repeat=len(EDGES))]
        random.Random(88).shuffle(codes)
        return codes

    @cached_property
    def _representatives(self) -> dict[str, Architecture]:
        first: dict[str, Architecture] = {}
        for arch in self._order:
            first.setdefault(canonical_string(arch.choices), arch)
        return first


def canonical_string(choices: tuple[int, ...]) -> str:
    """Return the benchmark's unique string of a code: skip is the identity, a dead source is `#`."""
    strings = ["0"]
    for node in range(1, OUTPUT + 1):
        terms = []
        for choice, (source, target) in zip(choices, EDGES, strict=True):
            if target != node:
                continue
            operation = OPERATIONS[choice]
            if operation == "none" or strings[source] == "#":
                terms.append("#")
            elif operation == "skip_connect":
                terms.append(strings[source])
            else:
                terms.append(f"({strings[source]})@{operation}")
        strings.append("+".join(sorted(terms)))
    return strings[OUTPUT]


def live_edges(choices: tuple[int, ...]) -> frozenset[int]:
    """Return the numbers of the edges on some path from the input to the output (empty: the code is dead)."""
    used = [(e, s, t) for e, (c, (s, t)) in enumerate(zip(choices, EDGES, strict=True)) if c]
    reached, needed = {0}, {OUTPUT}
    for _, source, target in used:  # edges are ordered by target, so one pass each way is enough
        if source in reached:
            reached.add(target)
    for _, source, target in reversed(used):
        if target in needed:
            needed.add(source)
    return frozenset(e for e, source, target in used if source in reached and target in needed)


@cache
def _stem(input_shape: Shape, channels: int) -> Block:
    block = BlockPlanner("stem", input_shape)
    return block.done(block.conv_bn(0, channels, kernel=3))


@lru_cache(maxsize=1 << 16)
def _cell(choices: tuple[int, ...], shape: Shape, count: int) -> Block:
    block = BlockPlanner("cell", shape, count)
    nodes: list[int | None] = [0]
    live = live_edges(choices)
    for node in range(1, OUTPUT + 1):
        total = None
        for e, (choice, (source, target)) in enumerate(zip(choices, EDGES, strict=True)):
            if target != node or not choice:
                continue
            value = _operation(block, OPERATIONS[choice], nodes[source] or 0, shape[0])
            if e in live:
                total = value if total is None else block.add(total, value)
        nodes.append(total)
    return block.done(nodes[OUTPUT] or 0)


def _operation(block: BlockPlanner, operation: str, source: int, channels: int) -> int:
    if operation == "skip_connect":
        return source
    if operation == "avg_pool_3x3":
        return block.avg_pool(source, stride=1)
    return block.conv_bn(block.relu(source), channels, kernel=1 if operation == "nor_conv_1x1" else 3)


@cache
def _reduction(shape: Shape) -> Block:
    block = BlockPlanner("reduction", shape)
    halved = block.conv_bn(block.relu(0), 2 * shape[0], kernel=3, stride=2)
    body = block.conv_bn(block.relu(halved), 2 * shape[0], kernel=3)
    shortcut = block.conv_bn(block.avg_pool(0, stride=2), 2 * shape[0], kernel=1, norm=False)
    return block.done(block.add(shortcut, body))


@cache
def _head(shape: Shape, num_classes: int) -> Block:
    block = BlockPlanner("head", shape)
    return block.done(block.linear(block.global_pool(block.relu(block.batch_norm(0))), num_classes))
