"""Pearson correlations between the samples of a batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLOCK = 2**16  # values of a sample that are widened to double precision at a time: they stay in the cache


def sample_correlation(values: Tensor) -> np.ndarray:
    """Return the correlation matrix of the rows in double precision, NaN for rows that are constant.

    Shape: (N, ...) -> (N, N).
    """
    channels_last = values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last)
    rows = (values.movedim(1, -1) if channels_last else values).flatten(1)  # in the order in memory: nothing is copied
    mean = rows.mean(1, keepdim=True, dtype=torch.float64)
    products = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for block in torch.split(rows, max(1, BLOCK // len(rows)), dim=1):
        centred = block.double().sub_(mean)
        products.addmm_(centred, centred.T)
    found: np.ndarray = products.cpu().numpy()
    size = np.sqrt(np.diag(found))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(found, np.outer(size, size))
