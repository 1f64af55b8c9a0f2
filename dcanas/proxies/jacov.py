"""Jacobian covariance: do the outputs of different images depend on them differently? (Mellor et al., first version)"""

from __future__ import annotations

import numpy as np

from dcanas.proxies.correlation import sample_correlation
from dcanas.proxies.proxy import UnscorableError, proxy
from dcanas.proxies.shared import Shared

FLOOR = 1e-5


@proxy(labels=False, batch_norm="batch", cost=2, paper="arXiv 2006.04647 (first version)", needs=["jacobian"])
def jacov(shared: Shared) -> float:
    """Return -sum log(v + k) + 1/(v + k) over eigenvalues v of the images' input-gradient correlation, k = 1e-5."""
    correlation = sample_correlation(shared.main.jacobian)
    if not np.isfinite(correlation).all():
        raise UnscorableError("an image's gradient is constant, so it correlates with none")
    values = np.linalg.eigvalsh(correlation) + FLOOR
    return float(-np.sum(np.log(values) + 1 / values))
