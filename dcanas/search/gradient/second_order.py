"""The gradient of alphas through one step of the weights: second-order DARTS (Liu et al., ICLR 2019, section 2.3).

w'(alpha) = w - rate (momentum buffer + grad_w L_train(w, alpha) + decay w), the step that SGD is about to take, and

    d L_val(w'(alpha), alpha) / d alpha = grad_alpha L_val(w', alpha) - rate H v,

v = grad_w' L_val(w', alpha), H v = d/d alpha <grad_w L_train(w, alpha), v>, by differentiating the product with v held
fixed. The paper's finite difference (Eq. 8) saves memory, but with ReLU it is off by more than half of the gradient's
own length (docs/search.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

Loss = Callable[[Mapping[str, Tensor], Sequence[Tensor]], Tensor]  # (weights by name, mixing weights) -> scalar
Total = Callable[[Sequence[Tensor]], list[Tensor]]  # sums over processes that each see their part of a batch


def unrolled_gradient(train: Loss, validation: Loss, weights: Mapping[str, Tensor], buffers: Mapping[str, Tensor],
                      mixing: Sequence[Tensor], rate: float, momentum: float, decay: float,
                      total: Total = list) -> tuple[Tensor, list[Tensor]]:
    """Return (validation loss after the step, its gradient by mixing weights).

    weights: parameters, which require gradients; buffers: momentum buffers of those that have one.
    mixing: leaves that require gradients. Shape: the gradients have the shapes of `mixing`.
    """
    names, values = list(weights), list(weights.values())
    slope = gradients_of(train(weights, mixing), values, keep=True)
    with torch.no_grad():
        moved = [w - rate * (momentum * buffers.get(name, torch.zeros_like(w)) + g + decay * w)
                 for name, w, g in zip(names, values, total([g.detach() for g in slope]), strict=True)]
    moved = [w.requires_grad_() for w in moved]
    loss = validation(dict(zip(names, moved, strict=True)), mixing)
    found = gradients_of(loss, [*moved, *mixing])
    direction, direct = total(found[:len(moved)]), found[len(moved):]
    product = torch.stack([(g * v).sum() for g, v in zip(slope, direction, strict=True)]).sum()
    curvature = gradients_of(product, mixing)
    return loss.detach(), total([g - rate * c for g, c in zip(direct, curvature, strict=True)])


def gradients_of(loss: Tensor, inputs: Sequence[Tensor], keep: bool = False) -> list[Tensor]:
    """Return the gradients of a scalar, zero for inputs that it does not depend on.

    keep: whether the gradients can be differentiated again. Shape: those of `inputs`.
    """
    if not loss.requires_grad:
        return [torch.zeros_like(each) for each in inputs]
    return list(torch.autograd.grad(loss, inputs, create_graph=keep, materialize_grads=True))
