"""Scores as functions of an architecture, found by name: whether a network is built for them or a table is asked.

    sources = network_sources(scoring) | column_sources(space, path, ["nwot"])
    sources["synflow"](arch)            # a number, larger is better; NaN where this network has none
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dcanas.basics.errors import unknown
from dcanas.proxies.columns import read_columns
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.proxy_registry import proxies
from dcanas.proxies.table import Scoring, score_architecture, values_of
from dcanas.proxies.votes import oriented
from dcanas.spaces import Architecture, Space, load_space

Source = Callable[[Architecture], float]
KEPT = 4096  # rows remembered, the latest


class Sources(Mapping[str, Source]):
    """Sources by name; an unknown one is an error with the nearest name. `|` joins two."""

    def __init__(self, sources: Mapping[str, Source]):
        self._sources = dict(sources)

    def __getitem__(self, name: str) -> Source:
        if name not in self._sources:
            raise unknown("source of scores", name, self._sources)
        return self._sources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __or__(self, other: Mapping[str, Source]) -> Sources:
        return Sources({**self._sources, **other})


def network_sources(scoring: Scoring) -> Sources:
    """Return a source for each of `scoring.names`: the network is built and scored once for all of them."""
    space = load_space(scoring.space)
    kept: dict[Architecture, dict[str, float]] = {}
    asked = [ProxyName.parse(name) for name in scoring.names]

    def score(name: str, arch: Architecture) -> float:
        if arch not in kept:
            if len(kept) >= KEPT:
                kept.pop(next(iter(kept)))
            kept[arch] = values_of(score_architecture(scoring, space, arch))
        return _better_up(name, kept[arch][name])

    return Sources({one.name: partial(score, one.name) for one in asked})


def column_sources(space: Space, path: Path, names: Sequence[str] = ()) -> Sources:
    """Return a source for columns of a CSV table (all numeric ones unless named); NaN for networks it has not.

    A column named like a proxy has that proxy's direction, any other is better the larger it is.
    """
    columns = read_columns(path, space)
    for name in names:
        if name not in columns:
            raise unknown(f"column of {path.name}", name, columns)

    def look_up(name: str, arch: Architecture) -> float:
        return _better_up(name, columns[name].get(arch, np.nan))

    return Sources({name: partial(look_up, name) for name in names or columns})


def _better_up(name: str, value: float) -> float:
    return float(oriented(name, np.array(value))) if ProxyName(name).base in proxies else value
