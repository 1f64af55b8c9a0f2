"""Where the training-free scores of a study come from: sizes, columns of a table, networks that are built, noise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.keys import derive_seed
from dcanas.costs.members import as_architecture
from dcanas.proxies.columns import read_columns
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.proxy_registry import proxies
from dcanas.proxies.rank_aggregation import oriented
from dcanas.proxies.table import Scoring, score_architecture, values_of
from dcanas.spaces import Architecture, Space, load_space

NOISE = "noise"
KEPT = 4096  # networks whose scores are remembered


@dataclass(frozen=True)
class ProxySource:
    """A training-free score of architectures.

    Attributes:
        name: of the score.
        values: returns values, larger is better, NaN if there is none. Shape: option indices (n, slots) -> (n,).
        instant: whether thousands of values cost next to nothing, so that every candidate can be scored.
    """

    name: str
    values: Callable[[np.ndarray], np.ndarray]
    instant: bool = True


def known_values(name: str, known: Mapping[tuple[int, ...], float]) -> ProxySource:
    """Return the source of values known by option indices, larger is better; NaN for all others."""
    return ProxySource(name, lambda choices: np.array([known.get(tuple(row), np.nan) for row in choices.tolist()],
                                                      dtype=float))


def table_sources(path: Path, space: Space) -> dict[str, ProxySource]:
    """Return the sources of all columns of a CSV file by name; NaN for networks that are not in the table.

    A column named like a proxy has that proxy's direction; in any other, larger is better.
    """
    def known(name: str, column: Mapping[Architecture, float]) -> dict[tuple[int, ...], float]:
        better = partial(oriented, name) if ProxyName(name).base in proxies else np.asarray
        return {arch.choices: float(better(np.array(value))) for arch, value in column.items()}

    return {name: known_values(name, known(name, column)) for name, column in read_columns(path, space).items()}


def computed_sources(scoring: Scoring) -> dict[str, ProxySource]:
    """Return a source for each of `scoring.names`; a network is built and scored once for all of them."""
    space = load_space(scoring.space)
    for name in scoring.names:
        ProxyName.parse(name)

    @lru_cache(KEPT)
    def scores(arch: Architecture) -> dict[str, float]:
        return values_of(score_architecture(scoring, space, arch))

    def values(name: str, choices: np.ndarray) -> np.ndarray:
        return oriented(name, np.array([scores(as_architecture(space, row))[name] for row in choices], float))

    return {name: ProxySource(name, partial(values, name), instant=False) for name in scoring.names}


def noise(name: str, seed: int) -> ProxySource:
    """Return the source of a number per architecture, drawn once: `noise`, `noise:2` and so on differ."""
    key = derive_seed(seed, name).to_bytes(8, "big")

    def values(choices: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(choices, dtype=np.int64)
        drawn = [hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows]
        return np.array([int.from_bytes(d, "big") / 2 ** 64 for d in drawn])

    return ProxySource(name, values)


def select_sources(names: Sequence[str], offered: Mapping[str, ProxySource], seed: int) -> list[ProxySource]:
    """Return the sources of these names.

    Raises:
        UserError: a name is unknown (the error says the nearest one), or is given twice.
    """
    if len(set(names)) < len(names):
        raise UserError(f"Every proxy can be named once, got {', '.join(names)}.")
    found: list[ProxySource] = []
    for name in names:
        if name == NOISE or name.startswith(f"{NOISE}:"):
            found.append(noise(name, seed))
        elif name in offered:
            found.append(offered[name])
        else:
            raise unknown("proxy", name, [*offered, NOISE])
    return found
