"""Weight times gradient, signs kept (Mozer & Smolensky 1989, as in Abdelfattah et al., ICLR 2021)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["plain"], needs=["gradients"])
def plain(shared: Shared) -> float:
    """Return the sum of w dL/dw over convolutions and linear layers; the benchmarks find less of it to be better."""
    return sum(float((w.detach() * g).sum()) for w, g in zip(shared.main.weights, shared.main.gradients, strict=True))
