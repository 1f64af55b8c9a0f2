"""Slots and architectures: what is decided, and one set of decisions. Plain values, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcanas.basics.errors import UserError


class NotationError(UserError):
    """A text that does not describe a member of the space."""


@dataclass(frozen=True, order=True)
class Slot:
    """One decision: a name and the names of its candidate operations."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Exactly `k` of the named slots are used: have another option than `unused`."""

    slots: tuple[int, ...]
    k: int
    unused: str = "none"


@dataclass(frozen=True)
class CellSpec:
    """A cell of a network: a small graph with one slot on each edge.

    Attributes:
        slots: number of the slot on each edge. Several cells may share their slots; a slot is on one edge of a cell.
        edges: (source, target) node of each edge, in ascending order of targets. Nodes 0 to inputs - 1 are the
            cell's inputs; every other node is the sum of its incoming operations.
        outputs: the nodes that are joined along the channels to the cell's output.
        in_channels, out_channels: of the input nodes and of all others.
        strides: of each edge's operation.
    """

    slots: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    outputs: tuple[int, ...]
    in_channels: int
    out_channels: int
    strides: tuple[int, ...]
    inputs: int = 1


@dataclass(frozen=True, order=True)
class Architecture:
    """One member of a space: for each slot the index of the option chosen. """

    space: str
    choices: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {"space": self.space, "choices": list(self.choices)}
