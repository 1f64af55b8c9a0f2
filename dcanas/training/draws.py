"""Random numbers of a batch, one or more per sample, the same for a sample whoever computes it."""

from __future__ import annotations

from collections.abc import Callable
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
        return self._mine(size, torch.rand)

    def normal(self, *size: int | EllipsisType) -> Tensor:
        """Return floats of mean 0 and standard deviation 1 of this size."""
        return self._mine(size, torch.randn)

    def integer(self, below: int, *size: int | EllipsisType) -> Tensor:
        """Return whole numbers from 0 to `below` - 1 of this size."""
        return self._mine(size, torch.randint, below)

    def order(self, count: int) -> list[int]:
        """Return a permutation of range(count), the same for the whole batch."""
        return torch.randperm(count, generator=self._generator).tolist()

    def _mine(self, size: tuple[int | EllipsisType, ...], make: Callable[..., Tensor], *arguments: int) -> Tensor:
        whole = tuple(n if isinstance(n, int) else self._batch for n in size)
        return make(*arguments, whole, generator=self._generator).narrow(size.index(...), self._start, self._count)
