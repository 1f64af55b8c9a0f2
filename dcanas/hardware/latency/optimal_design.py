"""Which networks to measure: the steps of a greedy D-optimal design."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TIE = 1e-9  # relative: below it, values differ by rounding only


def least_certain(rows: NDArray[Any], information: NDArray[Any], among: NDArray[np.bool_],
                  rng: np.random.Generator) -> int:
    """Return the row whose prediction is least certain, drawn among equals: the next of a greedy D-optimal design.

    Args:
        rows: features of all networks. Shape: (n, p).
        information: inverse covariance of the coefficients. Shape: (p, p).
        among: the rows that may be returned. Shape: (n,).
    """
    return largest(np.einsum("mi,ij,mj->m", rows, np.linalg.inv(information), rows), among, rng)


def largest(values: NDArray[Any], among: NDArray[np.bool_], rng: np.random.Generator) -> int:
    """Return the index of the largest of the values that `among` marks, drawn among equals. Shape: (n,), (n,)."""
    best = values[among].max()
    return int(rng.choice(np.flatnonzero(among & (values >= best - TIE * abs(best)))))
