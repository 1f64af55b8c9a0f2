"""ZiCo: gradients that are large and agree between batches (Li et al., ICLR 2023; arXiv 2301.11300)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dcanas.proxies.collect import LAYERS
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared, first_output, loss_of


@proxy(FACTS["zico"])
def zico(shared: Shared, option: str = "") -> float:
    """Return sum over layers of log sum over weights of mean |g| / std g, over the two halves of the batch.

    The published formula. The released code never clears gradients between batches, so that its second one is the sum
    of both: `zico:accumulated`.
    """
    net = shared.fresh()
    weights = [m.weight for m in net.modules() if isinstance(m, LAYERS)]
    half = len(shared.images) // 2
    one, two = (_gradients(net, weights, shared, part) for part in (slice(half), slice(half, 2 * half)))
    if option:
        two = [a + b for a, b in zip(one, two, strict=True)]
    total, layers = 0.0, 0
    for a, b in zip(one, two, strict=True):
        deviation = (a - b).abs() / 2  # the standard deviation of two numbers
        moved = deviation > 0
        ratio = float((((a.abs() + b.abs()) / 2)[moved] / deviation[moved]).double().sum())
        if ratio > 0:
            total, layers = total + math.log(ratio), layers + 1
    if not layers:
        raise UnscorableError("no weight has a gradient")
    return total


def _gradients(net: torch.nn.Module, weights: list[Tensor], shared: Shared, part: slice) -> list[Tensor]:
    labels = None if shared.labels is None else shared.labels[part]
    loss = loss_of(first_output(net(shared.images[part])), labels)
    return list(torch.autograd.grad(loss, weights, materialize_grads=True))
