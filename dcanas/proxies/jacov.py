"""Jacobian covariance: do the outputs of different images depend on them differently? (Mellor et al., first version)"""

from __future__ import annotations

import numpy as np

from dcanas.proxies.correlation import sample_correlation
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared

FLOOR = 1e-5


@proxy(FACTS["jacov"], needs=["jacobian"])
def jacov(shared: Shared) -> float:
    """Return -sum log(v + k) + 1/(v + k), v the eigenvalues of the input gradients' correlation, k = 1e-5."""
    correlation = sample_correlation(shared.main.jacobian)
    if not np.isfinite(correlation).all():
        raise UnscorableError("an image's gradient is constant, so it correlates with none")
    values = np.linalg.eigvalsh(correlation) + FLOOR
    return float(-np.sum(np.log(values) + 1 / values))
