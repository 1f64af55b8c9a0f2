"""EPE-NAS: input gradients that agree within a class (Lopes et al., 2021; arXiv 2102.08099)."""

from __future__ import annotations

import numpy as np

from dcanas.proxies.correlation import sample_correlation
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared

FLOOR = 1e-5
MANY_CLASSES = 100


@proxy(FACTS["epe_nas"], needs=["jacobian"])
def epe_nas(shared: Shared) -> float:
    """Return the sum over classes of |sum log(|corr| + 1e-5)| of their images' input gradients.

    Networks of more than 100 classes: the class sums are divided by the class's images, and the score is the sum of
    their pairwise absolute differences over the number of classes seen.
    """
    assert shared.labels is not None
    labels = shared.labels.cpu().numpy()
    correlation = sample_correlation(shared.main.jacobian)
    if not np.isfinite(correlation).all():
        raise UnscorableError("an image's gradient is constant, so it correlates with none")
    logs = np.log(np.abs(correlation) + FLOOR)
    many = shared.main.classes > MANY_CLASSES
    sums = []
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        total = logs[np.ix_(mine, mine)].sum()
        sums.append(total / len(mine) if many else total)
    found = np.array(sums)
    if many:
        return float(np.abs(found[:, None] - found[None, :]).sum() / len(found))
    return float(np.abs(found).sum())
