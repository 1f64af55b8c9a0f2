"""RCor: activations and gradients together (Jing et al.; arXiv 2507.08841)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.responses import ActivationCorrelations, GradientCorrelations, log_determinant
from dcanas.proxies.shared import Shared


@proxy(FACTS["rcor"], needs=["gradients"], collect=[ActivationCorrelations, GradientCorrelations])
def rcor(shared: Shared, *options: str) -> float:
    """Return log |det sum |C|| over the correlations of activation inputs and of their gradients (Eq. 8-9)."""
    found = [*shared[ActivationCorrelations].found, *shared[GradientCorrelations].found]
    return log_determinant(found, shared.blocks, options)
