"""WRCor: response correlations, later blocks counting more (Jing et al.; arXiv 2507.08841)."""

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.responses import ActivationCorrelations, GradientCorrelations, log_determinant
from dcanas.proxies.shared import Shared


@proxy(FACTS["wrcor"], needs=["gradients"], collect=[ActivationCorrelations, GradientCorrelations])
def wrcor(shared: Shared, *options: str) -> float:
    """Return log |det sum 2^l |C||, l the block from the bottom (Eq. 10-11).

    Variants: `wrcor:linear`, `wrcor:0.5`, `wrcor:reversed:0.5` and so on.
    """
    found = [*shared[ActivationCorrelations].found, *shared[GradientCorrelations].found]
    return log_determinant(found, shared.blocks, options, "exponential")
