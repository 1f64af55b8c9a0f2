"""GraSP: what a weight does to the gradient's flow (Wang et al., ICLR 2020; arXiv 2002.07376)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["grasp"], needs=["hessian"])
def grasp(shared: Shared) -> float:
    """Return -sum w (H g), the Hessian product by a second backward pass; the sign of the zero-cost benchmarks."""
    return -sum(float((w.detach() * hg).sum()) for w, hg in zip(shared.main.weights, shared.main.product, strict=True))
