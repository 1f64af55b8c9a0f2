"""Random numbers of a batch, one or more per sample, the same for a sample whoever computes it."""

from __future__ import annotations

from types import EllipsisType

import torch
from torch import Tensor


class Draw:
    """Random numbers for a whole batch, of which each process takes those of its own samples.

    Several processes that share a batch draw what a single one would. `...` in a size stands for the samples:
    `draw.uniform(2, ...)` has shape (2, samples at hand). All numbers come from `seed` alone, on the CPU.

    Args:
        count: number of samples at hand.
        start: position of the first of them in the batch.
        batch: number of samples in the batch; None: `count`.
    """

    def __init__(self, seed: int, count: int, start: int = 0, batch: int | None = None):
        self._generator = torch.Generator().manual_seed(seed)
        self._count, self._start, self._batch = count, start, count if batch is None else batch

    def uniform(self, *size: int | EllipsisType) -> Tensor:
        """Return floats in [0, 1) of this size."""
        return self._mine(torch.rand(self._whole(size), generator=self._generator), size)

    def normal(self, *size: int | EllipsisType) -> Tensor:
        """Return floats of mean 0 and standard deviation 1 of this size."""
        return self._mine(torch.randn(self._whole(size), generator=self._generator), size)

    def integer(self, below: int, *size: int | EllipsisType) -> Tensor:
        """Return whole numbers from 0 to `below` - 1 of this size."""
        return self._mine(torch.randint(below, self._whole(size), generator=self._generator), size)

    def order(self, count: int) -> list[int]:
        """Return a permutation of range(count), the same for the whole batch."""
        return torch.randperm(count, generator=self._generator).tolist()

    def _whole(self, size: tuple[int | EllipsisType, ...]) -> tuple[int, ...]:
        return tuple(n if isinstance(n, int) else self._batch for n in size)

    def _mine(self, drawn: Tensor, size: tuple[int | EllipsisType, ...]) -> Tensor:
        return drawn.narrow(size.index(...), self._start, self._count)
