"""The number of parameters: the baseline every other score has to beat."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["params"])
def params(shared: Shared) -> float:
    """Return the trainable parameters in millions."""
    return sum(p.numel() for p in shared.net.parameters()) / 1e6
