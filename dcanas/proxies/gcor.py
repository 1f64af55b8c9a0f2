"""GCor: how differently the loss pulls at the responses to different images (Jing et al.; arXiv 2507.08841)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.responses import WEIGHTS, GradientCorrelations, log_determinant
from dcanas.proxies.shared import Shared


@proxy(labels=True, batch_norm="batch", cost=3.5, paper="arXiv 2507.08841", needs=["gradients"],
       collect=[GradientCorrelations], options=[*WEIGHTS, "number"])
def gcor(shared: Shared, *options: str) -> float:
    """Return log |det sum |C|| over the correlations of gradients with respect to activation inputs."""
    found = shared[GradientCorrelations].found
    return log_determinant(found, shared.blocks, options)
