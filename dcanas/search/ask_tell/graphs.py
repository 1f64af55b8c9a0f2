"""Architectures as small labelled graphs, for a predictor that passes messages along them."""

from __future__ import annotations

import numpy as np

from dcanas.spaces import Space
from dcanas.spaces.types import CellSpec


class Graphs:
    """One graph per space, with an operation on every node: its slots, an input and an output.

    A slot follows another where the first one's edge ends at the node at which the second's begins. A space without
    such cells is a chain of its slots. Only the labels, one-hot options, differ between architectures.

    adjacency: (nodes, nodes), symmetrically normalised with self-loops (Kipf & Welling, ICLR 2017).
    """

    def __init__(self, space: Space):
        self.space = space
        count = len(space.slots)
        edges = set()
        for cell in _cells(space):
            edges |= _line_graph(cell, count)
        if not edges:
            edges = {(count, 0), *((i, i + 1) for i in range(count - 1)), (count - 1, count + 1)}
        links = np.eye(count + 2)
        for a, b in edges:
            links[a, b] = links[b, a] = 1
        degree = links.sum(1)
        self.adjacency = (links / np.sqrt(degree[:, None] * degree[None])).astype(np.float32)
        self._starts = np.cumsum([0, *(len(slot.options) for slot in space.slots)])
        self.labels = int(self._starts[-1]) + 2  # of every slot its own options, input, output

    def __call__(self, choices: np.ndarray) -> np.ndarray:
        """Shape: (n, slots) option indices -> (n, nodes, labels) one-hot float32."""
        n, slots = choices.shape
        found = np.zeros((n, slots + 2, self.labels), dtype=np.float32)
        rows = np.arange(n)
        for i in range(slots):
            found[rows, i, self._starts[i] + choices[:, i]] = 1
        found[:, slots, -2] = found[:, slots + 1, -1] = 1
        return found


def _cells(space: Space) -> list[CellSpec]:
    """Return the space's cells, or none where its candidates cannot be mixed by slot."""
    if type(space).assemble is Space.assemble:
        return []
    from torch import nn

    found: list[CellSpec] = []

    def note(cell: CellSpec) -> nn.Module:
        found.append(cell)
        return nn.Identity()

    space.assemble(note, **space.search_skeleton)
    return found


def _line_graph(cell: CellSpec, slots: int) -> set[tuple[int, int]]:
    """Return which slots follow which; number `slots` is the input, the next one the output."""
    found = set()
    for slot, (source, target) in zip(cell.slots, cell.edges, strict=True):
        if source < cell.inputs:
            found.add((slots, slot))
        if target in cell.outputs:
            found.add((slot, slots + 1))
        found |= {(slot, other) for other, (start, _) in zip(cell.slots, cell.edges, strict=True) if start == target}
    return found
