"""Pearson correlations between the samples of a batch."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def sample_correlation(values: Tensor) -> np.ndarray:
    """Return the correlation matrix of the rows in double precision, NaN for rows that are constant.

    Shape: (N, ...) -> (N, N).
    """
    rows = values.flatten(1).double()
    rows = rows - rows.mean(1, keepdim=True)
    products = (rows @ rows.T).cpu().numpy()
    size = np.sqrt(np.diag(products))
    with np.errstate(divide="ignore", invalid="ignore"):
        return products / np.outer(size, size)
