"""The size of the weights as they were drawn (Abdelfattah et al., ICLR 2021; arXiv 2101.08134)."""

from dcanas.proxies.collect import LAYERS
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["l2_norm"])
def l2_norm(shared: Shared) -> float:
    """Return the sum over convolutions and linear layers of the L2 norm of the weight."""
    return sum(float(m.weight.detach().norm()) for m in shared.net.modules() if isinstance(m, LAYERS))
