"""NASWOT: do different images switch different units on? (Mellor et al., ICML 2021; arXiv 2006.04647)"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from dcanas.proxies.collect import Collector
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


class PatternKernel(Collector):
    """Sums over activations, for each pair of images, the units that are on in both or off in both."""

    def __init__(self) -> None:
        self.kernel = np.zeros(())

    def activation(self, block: int, before: Tensor, after: Tensor) -> None:
        on = (before.flatten(1) > 0).to(before.dtype)
        both = on @ on.T
        count = both.diagonal()  # of the units that are on
        agree = 2 * both + on.shape[1] - count[:, None] - count[None, :]  # = X X' + (1 - X)(1 - X)', counts are exact
        self.kernel = self.kernel + agree.double().cpu().numpy()


@proxy(FACTS["nwot"], needs=["forward"], collect=[PatternKernel])
def nwot(shared: Shared) -> float:
    """Return log |det K|, K the number of units on which two images agree."""
    sign, log = np.linalg.slogdet(shared[PatternKernel].kernel)
    if sign == 0:
        raise UnscorableError("two images switch on the same units everywhere, so the kernel is singular")
    return float(log)
