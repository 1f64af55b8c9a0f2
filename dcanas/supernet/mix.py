"""The weighted sum at a node: the supernet's innermost loop, touching memory as little as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def weighted_sum(weights: Tensor, values: Sequence[Tensor]) -> Tensor:
    """Return `sum_k weights[k] * values[k]`, twice differentiable in both arguments.

    Autograd's own products would write one more tensor per term, both forwards and backwards.

    Args:
        weights: (K,).
        values: K tensors (N, C, H, W).

    Returns:
        (N, C, H, W).
    """
    total: Tensor = _WeightedSum.apply(weights, *values)
    return total


class _WeightedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, *values: Tensor) -> Tensor:
        ctx.save_for_backward(weights, *values)
        factors = weights.unbind()
        total = values[0] * factors[0]
        for factor, value in zip(factors[1:], values[1:], strict=True):
            total.addcmul_(value, factor)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *values = ctx.saved_tensors
        for_weights = None
        if ctx.needs_input_grad[0]:
            channels = 1 if gradient.is_contiguous() else -1  # flattened in the order in memory, nothing is copied
            flat, *others = [tensor.movedim(1, channels).reshape(-1) for tensor in (gradient, *values)]
            for_weights = torch.stack([flat.dot(other.to(flat.dtype)) for other in others])
        for_values = [gradient * factor if needed else None
                      for factor, needed in zip(weights.unbind(), ctx.needs_input_grad[1:], strict=True)]
        return for_weights, *for_values
