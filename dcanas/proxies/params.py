"""The number of parameters: the baseline every other score has to beat."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.shared import Shared


@proxy(labels=False, batch_norm="not run", cost=0, paper="baseline, arXiv 2210.03230")
def params(shared: Shared) -> float:
    """Return the trainable parameters in millions."""
    return sum(p.numel() for p in shared.net.parameters()) / 1e6
