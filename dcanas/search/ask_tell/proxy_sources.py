"""Where the scores of proxies come from: a name and a value per architecture, higher is better."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.keys import derive_seed
from dcanas.costs import CostModel
from dcanas.proxies.score_sources import Source
from dcanas.spaces import Architecture, Space

NOISE = "noise"


class ProxySource(Protocol):
    """One opinion about architectures before anything is trained.

    instant: thousands of values cost nothing, so that every candidate can be asked about.
    """

    @property
    def name(self) -> str: ...
    @property
    def instant(self) -> bool: ...

    def values(self, choices: np.ndarray) -> np.ndarray:
        """Return values, larger is better, NaN where there is none. Shape: (n, slots) -> (n,)."""


class Column:
    """Values that are known in advance, by option indices; NaN for what is not in the table."""

    instant = True

    def __init__(self, name: str, known: Mapping[tuple[int, ...], float]):
        self.name, self._known = name, known

    def values(self, choices: np.ndarray) -> np.ndarray:
        return np.array([self._known.get(tuple(row), np.nan) for row in choices.tolist()], dtype=float)


class Size:
    """A counted cost as a score: the largest network is the best (`params`, `macs`)."""

    instant = True

    def __init__(self, cost: CostModel):
        self.name, self._cost = cost.name, cost

    def values(self, choices: np.ndarray) -> np.ndarray:
        return self._cost.values(choices)


class Noise:
    """A score that knows nothing: a number per architecture, drawn once. `noise`, `noise:2` and so on differ."""

    instant = True

    def __init__(self, name: str, seed: int):
        self.name, self._seed = name, derive_seed(seed, name)

    def values(self, choices: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(choices, dtype=np.int64)
        key = self._seed.to_bytes(8, "big")
        drawn = [hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows]
        return np.array([int.from_bytes(d, "big") / 2 ** 64 for d in drawn])


class Asked:
    """A source of `dcanas.proxies.score_sources`, asked one architecture at a time; `instant` if it looks them up."""

    def __init__(self, name: str, space: Space, source: Source, instant: bool):
        self.name, self.instant, self._space, self._source = name, instant, space, source

    def values(self, choices: np.ndarray) -> np.ndarray:
        return np.array([self._source(Architecture(self._space.name, tuple(row))) for row in choices.tolist()], float)


def select_sources(names: Sequence[str], offered: Mapping[str, ProxySource], seed: int) -> list[ProxySource]:
    """Return the sources of these names; raises `UserError` with the nearest name for one that does not exist."""
    if len(set(names)) < len(names):
        raise UserError(f"Every proxy can be named once, got {', '.join(names)}.")
    found: list[ProxySource] = []
    for name in names:
        if name == NOISE or name.startswith(f"{NOISE}:"):
            found.append(Noise(name, seed))
        elif name in offered:
            found.append(offered[name])
        else:
            raise unknown("proxy", name, [*offered, NOISE])
    return found
