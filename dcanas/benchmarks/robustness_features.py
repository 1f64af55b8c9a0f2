"""Features for the prediction of robustness: proxies, and graph features of the cell for every set of operations.

The features of the cell follow neural graph features (Kadlecova et al., ICML 2024): counts, path lengths and degrees.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.spaces.space import Space
from dcanas.spaces.types import Architecture


@dataclass(frozen=True)
class Features:
    """A table of numbers. names: of the columns; values: float64 (N, features)."""

    names: tuple[str, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise UserError(f"A feature array has one column per name: {len(self.names)} names, shape "
                            f"{self.values.shape}.")
        bad = ~np.isfinite(self.values)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise UserError(f"Feature {self.names[column]} of row {row} is not a number; leave out networks whose "
                            "proxy failed.")

    def __len__(self) -> int:
        return len(self.values)

    def only(self, names: Sequence[str]) -> Features:
        """Return these columns; raises `UserError` for an unknown one."""
        for name in names:
            if name not in self.names:
                raise UserError(f"There is no feature {name!r}; there are {', '.join(self.names)}.")
        return Features(tuple(names), self.values[:, [self.names.index(n) for n in names]])

    def without(self, names: Sequence[str]) -> Features:
        """Return all other columns."""
        return self.only([n for n in self.names if n not in set(names)])

    def beside(self, other: Features) -> Features:
        """Return both tables' columns."""
        return Features(self.names + other.names, np.hstack([self.values, other.values]))


def cell_features(space: Space, architectures: Sequence[Architecture]) -> Features:
    """Return counts of operations and, for every set of operations, path lengths and degrees in the cell.

    Beside them, of the paths from input to output that contain no `none`: how many there are and how many of them hold
    0, 1, ... of each operation, of both convolutions and of both 3x3 windows, and the mean number per path.
    Per set: the fewest edges on a path from the cell's input to its output within the set (number of nodes: there is
    none); the most operations of the set on a path without `none` (-1: there is none); edges of the set into and out of
    each node. A column that is constant or repeats another is left out.
    The space's slots are the edges of one cell and named `source->target`; raises `UserError` for others.
    """
    options = space.slots[0].options
    named = [re.fullmatch(r"(\d+)->(\d+)", slot.name) for slot in space.slots]
    if not all(named) or any(slot.options != options for slot in space.slots):
        raise UserError("Cell features need a space of one cell with the same operations on every edge, as "
                        f"nasbench201; {space.name} is not of that kind.")
    edges = [(int(ends[1]), int(ends[2])) for ends in named if ends]
    choices = np.array([a.choices for a in architectures])
    none = options.index("none") if "none" in options else -1
    nodes = max(target for _, target in edges) + 1
    columns: dict[str, np.ndarray] = {f"count {name}": (choices == k).sum(1) for k, name in enumerate(options)}
    for size in range(1, len(options) + 1):
        for chosen in itertools.combinations(range(len(options)), size):
            label = "+".join(options[k] for k in chosen)
            inside = np.isin(choices, chosen)
            columns[f"shortest {label}"] = _shortest(inside, edges, nodes)
            columns[f"most {label}"] = _most(inside & (choices != none), choices != none, edges, nodes)
            for node in range(nodes):
                for place, side in (("into", 1), ("out of", 0)):
                    own = [e for e, ends in enumerate(edges) if ends[side] == node]
                    columns[f"{place} node {node} {label}"] = inside[:, own].sum(1)
    return _distinct(columns | _paths(choices, options, edges, nodes))


def _paths(choices: np.ndarray, options: Sequence[str], edges: Sequence[tuple[int, int]],
           nodes: int) -> dict[str, np.ndarray]:
    number = {ends: e for e, ends in enumerate(edges)}
    inner = itertools.chain.from_iterable(itertools.combinations(range(1, nodes - 1), k) for k in range(nodes - 1))
    ways = [[number[step] for step in itertools.pairwise((0, *through, nodes - 1))] for through in inner
            if all(step in number for step in itertools.pairwise((0, *through, nodes - 1)))]
    none = options.index("none") if "none" in options else -1
    open_ways = np.stack([(choices[:, way] != none).all(1) for way in ways], 1)
    total = open_ways.sum(1)
    columns = {"paths": total}
    kinds = {name: [k] for k, name in enumerate(options) if k != none}
    for label, part in (("convolution", "conv"), ("window", "3x3")):
        kinds[label] = [k for k, name in enumerate(options) if part in name]
    for label, kind in kinds.items():
        held = np.stack([np.isin(choices[:, way], kind).sum(1) for way in ways], 1)
        for count in range(nodes):
            columns[f"paths with {count} {label}"] = (open_ways & (held == count)).sum(1)
        columns[f"mean {label}"] = np.where(total > 0, (held * open_ways).sum(1) / np.maximum(total, 1), -1)
    return columns


def _shortest(usable: np.ndarray, edges: Sequence[tuple[int, int]], nodes: int) -> np.ndarray:
    length = np.full((len(usable), nodes), float(nodes))
    length[:, 0] = 0
    for e, (source, target) in sorted(enumerate(edges), key=lambda item: item[1][1]):
        length[:, target] = np.where(usable[:, e], np.minimum(length[:, target], length[:, source] + 1),
                                     length[:, target])
    return length[:, -1].clip(max=nodes)


def _most(counted: np.ndarray, usable: np.ndarray, edges: Sequence[tuple[int, int]], nodes: int) -> np.ndarray:
    number = np.full((len(counted), nodes), -np.inf)
    number[:, 0] = 0
    for e, (source, target) in sorted(enumerate(edges), key=lambda item: item[1][1]):
        number[:, target] = np.where(usable[:, e], np.maximum(number[:, target], number[:, source] + counted[:, e]),
                                     number[:, target])
    return np.where(np.isfinite(number[:, -1]), number[:, -1], -1)


def _distinct(columns: dict[str, np.ndarray]) -> Features:
    """Return the columns that vary, each content once (under its first name)."""
    seen: dict[bytes, str] = {}
    for name, column in columns.items():
        if len(np.unique(column)) > 1:
            seen.setdefault(np.asarray(column, dtype=np.float64).tobytes(), name)
    names = tuple(seen.values())
    return Features(names, np.column_stack([columns[n] for n in names]).astype(np.float64))
