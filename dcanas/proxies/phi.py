"""Phi (also PNorm): how much the features move when the image moves (Lin et al., ICCV 2021; arXiv 2102.01063)."""

import math

from dcanas.proxies.gaussian import perturb
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["phi"])
def phi(shared: Shared) -> float:
    """Return the log of the mean L1 change of the last feature map under noise of size 0.01, Gaussian weights."""
    return math.log(shared.once(perturb).change)
