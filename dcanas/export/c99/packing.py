"""Weights in the order in which the kernels read them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dcanas.export.c99.steps import Convolution


def packed_kernel(step: Convolution) -> NDArray[np.int8]:
    """Return the bytes of a kernel; see `kernels/convolution.c` and `kernels/depthwise.c`. Shape: (n,)."""
    ordered = step.kernel.transpose(0, 2, 3, 1)  # as pixels lie in the arena
    if step.depthwise:
        taps = ordered[..., 0].reshape(len(ordered), -1)
        fours = taps[:len(taps) // 4 * 4].reshape(-1, 4, taps.shape[1]).transpose(0, 2, 1)
        return np.concatenate([fours.reshape(-1), taps[len(taps) // 4 * 4:].reshape(-1)])
    grouped = ordered.reshape(step.groups, len(ordered) // step.groups, -1)
    if grouped.shape[1] % 2:  # filters go in twos: the last two overlap
        grouped = np.concatenate([grouped[:, :-1], grouped[:, -2:-1] if grouped.shape[1] > 1 else grouped,
                                  grouped[:, -1:]], axis=1)
    pairs = grouped.reshape(step.groups, grouped.shape[1] // 2, 2, -1)
    return np.ascontiguousarray(pairs.transpose(0, 1, 3, 2)).reshape(-1)


def whole_bias(step: Convolution) -> NDArray[np.int64]:
    """Return the biases less what the zero point of the input adds to every sum. Shape: (filters,)."""
    sums = step.kernel.astype(np.int64).reshape(len(step.kernel), -1).sum(axis=1)
    return step.bias - step.reads[0].zero * sums
