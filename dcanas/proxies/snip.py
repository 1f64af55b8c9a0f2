"""SNIP: what the loss would feel if a weight went (Lee et al., ICLR 2019; arXiv 1810.02340)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["snip"], needs=["gradients"])
def snip(shared: Shared) -> float:
    """Return the sum of |w dL/dw|: the gradient through a multiplicative mask of ones."""
    return sum(float((w.detach() * g).abs().sum())
               for w, g in zip(shared.main.weights, shared.main.gradients, strict=True))
