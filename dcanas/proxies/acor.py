"""ACor: how differently a network responds to different images (Jing et al.; arXiv 2507.08841)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.responses import ActivationCorrelations, log_determinant
from dcanas.proxies.shared import Shared


@proxy(FACTS["acor"], needs=["forward"], collect=[ActivationCorrelations])
def acor(shared: Shared, *options: str) -> float:
    """Return log |det sum |C|| over the correlations of activation inputs."""
    found = shared[ActivationCorrelations].found
    return log_determinant(found, shared.blocks, options)
