"""The weighted sum at a node: the supernet's innermost loop, touching memory as little as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def weighted_sum(weights: Tensor, values: Sequence[Tensor]) -> Tensor:
    """Return `sum_k weights[k] * values[k]`, differentiable twice in both.

    Autograd's own products would write one more tensor per term, forwards and backwards.

    Shape: weights (K,), each value (N, C, H, W) -> (N, C, H, W).
    """
    return _WeightedSum.apply(weights, *values)


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
            channels_last = not gradient.is_contiguous()  # then flatten in that order: nothing is copied
            flat = _flat(gradient, channels_last)
            for_weights = torch.stack([flat.dot(_flat(value, channels_last).to(flat.dtype))
                                       for value in values])
        for_values = [gradient * factor if needed else None
                      for factor, needed in zip(weights.unbind(), ctx.needs_input_grad[1:], strict=True)]
        return for_weights, *for_values


def _flat(tensor: Tensor, channels_last: bool) -> Tensor:
    return (tensor.movedim(1, -1) if channels_last else tensor).reshape(-1)
