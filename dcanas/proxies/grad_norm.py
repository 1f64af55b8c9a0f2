"""The size of the gradient (Abdelfattah et al., ICLR 2021; arXiv 2101.08134)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.shared import Shared


@proxy(labels=True, batch_norm="batch", cost=3, paper="arXiv 2101.08134", needs=["gradients"])
def grad_norm(shared: Shared) -> float:
    """Return the sum over convolutions and linear layers of the L2 norm of dL/dw."""
    return sum(float(g.norm()) for g in shared.main.gradients)
