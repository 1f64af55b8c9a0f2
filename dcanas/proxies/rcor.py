"""RCor: activations and gradients together (Jing et al.; arXiv 2507.08841)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.responses import WEIGHTS, ActivationCorrelations, GradientCorrelations, log_determinant
from dcanas.proxies.shared import Shared


@proxy(labels=True, batch_norm="batch", cost=4, paper="arXiv 2507.08841", needs=["gradients"],
       collect=[ActivationCorrelations, GradientCorrelations], options=[*WEIGHTS, "number"])
def rcor(shared: Shared, *options: str) -> float:
    """Return log |det sum |C|| over the correlations of activation inputs and of their gradients (Eq. 8-9)."""
    found = [*shared[ActivationCorrelations].found, *shared[GradientCorrelations].found]
    return log_determinant(found, shared.blocks, options)
