"""The space of a run and the structure of its networks; the files of a run hold only their notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from dcanas.basics.errors import UserError
from dcanas.basics.own_file import stated_module
from dcanas.costs.linear import linear_counts
from dcanas.report.record import RunRecord
from dcanas.spaces import Architecture, Space, load_space, load_space_file
from dcanas.spaces.types import CellSpec


def space_of(record: RunRecord) -> Space | None:
    """Return the run's space, or None if it came from a file that has changed since, or that only the run names."""
    stated = record.settings["space"]
    try:
        space = load_space(stated["name"]) if stated_module(stated, "space") is None else \
            load_space_file(stated["file"], stated["file_sha256"])
        return space.within(stated["search_skeleton"])
    except UserError:
        return None


@dataclass(frozen=True)
class Cell:
    """A cell with its slots: `edges` are (source, target, number of the slot)."""

    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int, int], ...]
    slots: tuple[int, ...]


def cells_of(space: Space, skeleton: Mapping[str, Any], channels: int, classes: int) -> list[Cell]:
    """Return the different cells of more than one edge that the networks of a space consist of.

    Args:
        skeleton: of the network.
        channels, classes: of its images.
    """
    if type(space).assemble is Space.assemble:
        return []
    specs: dict[tuple[int, ...], CellSpec] = {}

    def note(spec: CellSpec) -> nn.Module:
        specs.setdefault(spec.slots, spec)
        return nn.Identity()

    space.assemble(note, classes, channels, **skeleton)
    return [_cell(spec) for spec in specs.values() if len(spec.edges) > 1]


def _cell(spec: CellSpec) -> Cell:
    last = max(target for _, target in spec.edges)
    joined = len(spec.outputs) > 1
    names = ["input" if spec.inputs == 1 else f"input {i + 1}" for i in range(spec.inputs)]
    names += [f"node {i}" if joined or i != last else "output" for i in range(spec.inputs, last + 1)]
    return Cell(tuple(names), tuple((*edge, slot) for edge, slot in zip(spec.edges, spec.slots, strict=True)),
                spec.slots)


def used_edges(space: Space, cell: Cell, arch: Architecture) -> list[tuple[int, int, str]]:
    """Return the edges of a cell that an architecture uses: source, target, operation."""
    named = [(s, t, space.slots[slot].options[arch.choices[slot]]) for s, t, slot in cell.edges]
    return [edge for edge in named if edge[2] != "none"]


def without_parameters(space: Space, input_shape: tuple[int, int, int], classes: int,
                       skeleton: Mapping[str, Any]) -> list[list[bool]] | None:
    """Return per slot and option whether it has no parameters; None if parameters do not add up over slots.

    Args:
        input_shape: (C, H, W).
        classes: number of classes.
        skeleton: of the network.
    """
    if not space.additive:
        return None
    params = linear_counts(space, input_shape, classes, **skeleton)["params"]
    return [[price == 0 for price in row] for row in params.table]
