"""SynFlow: how much can flow from input to output (Tanaka et al., NeurIPS 2020; arXiv 2006.05467)."""

from __future__ import annotations

import math

import torch
from torch import nn

from dcanas.proxies.collect import LAYERS
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared, first_output


@proxy(FACTS["synflow"])
def synflow(shared: Shared) -> float:
    """Return log sum |w dR/dw| with absolute weights, an input of ones, R the summed output; double precision."""
    net = shared.fresh().eval().double()
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.forward = _as_it_is  # type: ignore[method-assign, assignment]
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    ones = torch.ones_like(shared.images[:1], dtype=torch.float64)
    weights = [m.weight for m in net.modules() if isinstance(m, LAYERS)]
    found = torch.autograd.grad(first_output(net(ones)).sum(), weights, allow_unused=True)
    total = sum(float((w.detach() * g).abs().sum()) for w, g in zip(weights, found, strict=True) if g is not None)
    if not total > 0:
        raise UnscorableError("nothing flows from the input to the output")
    return math.log(total)


def _as_it_is(value: torch.Tensor) -> torch.Tensor:
    return value
