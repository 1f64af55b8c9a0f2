"""Zen score: phi with the scale that batch norm takes away put back (Lin et al., ICCV 2021; arXiv 2102.01063)."""

import math

from torch import nn

from dcanas.proxies.gaussian import perturb
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["zen"])
def zen(shared: Shared) -> float:
    """Return phi plus the sum over batch norms of log sqrt(mean running variance) after the two passes."""
    found = shared.once(perturb)
    scales = [m.running_var for m in found.net.modules() if isinstance(m, nn.BatchNorm2d) and m.running_var is not None]
    return math.log(found.change) + sum(math.log(float(v.mean())) / 2 for v in scales)
