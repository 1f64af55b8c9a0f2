"""All members of an enumerable space as one array of choices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from dcanas.spaces import Architecture, Space


@lru_cache(maxsize=4)
def member_choices(space: Space) -> np.ndarray:
    """Return the members' option indices in canonical order. Shape: (members, slots)."""
    choices = np.array([a.choices for a in space.members()], dtype=np.int64)
    choices.setflags(write=False)
    return choices


def as_architecture(space: Space, choices: np.ndarray) -> Architecture:
    """Return option indices (slots,) of a member as an architecture."""
    return Architecture(space.name, tuple(int(c) for c in choices))


def as_choices(archs: Sequence[Architecture]) -> np.ndarray:
    """Return architectures as rows of option indices. Shape: (n, slots)."""
    return np.array([arch.choices for arch in archs], dtype=np.int64)
