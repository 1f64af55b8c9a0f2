"""GCor: how differently the loss pulls at the responses to different images (Jing et al.; arXiv 2507.08841)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.responses import GradientCorrelations, log_determinant
from dcanas.proxies.shared import Shared


@proxy(FACTS["gcor"], needs=["gradients"], collect=[GradientCorrelations])
def gcor(shared: Shared, *options: str) -> float:
    """Return log |det sum |C|| over the correlations of gradients with respect to activation inputs."""
    found = shared[GradientCorrelations].found
    return log_determinant(found, shared.blocks, options)
