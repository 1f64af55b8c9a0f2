"""The size of the gradient (Abdelfattah et al., ICLR 2021; arXiv 2101.08134)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["grad_norm"], needs=["gradients"])
def grad_norm(shared: Shared) -> float:
    """Return the sum over convolutions and linear layers of the L2 norm of dL/dw."""
    return sum(float(g.norm()) for g in shared.main.gradients)
