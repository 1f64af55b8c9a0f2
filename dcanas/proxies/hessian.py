"""Leading eigenvalue of the loss Hessian: how sharp the loss is (feature of arXiv 2307.09365)."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from dcanas.proxies.collect import LAYERS
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared, first_output, hessian_product, loss_of

TOLERANCE = 0.05
VECTORS = 8  # of the Krylov basis; every product is two backward passes
RESTARTS = 10
IMAGES = 16  # of the batch, the first: the score needs dozens of double backward passes


@proxy(FACTS["hessian"])
def hessian(shared: Shared) -> float:
    """Return the largest eigenvalue of the loss Hessian over all convolution and linear weights, 16 images.

    Lanczos iteration to five percent; double precision outside, the network's own inside.
    """
    net = shared.fresh()
    weights = [m.weight for m in net.modules() if isinstance(m, LAYERS)]
    labels = None if shared.labels is None else shared.labels[:IMAGES]
    loss = loss_of(first_output(net(shared.images[:IMAGES])), labels)
    gradients = torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True)

    def times(vector: np.ndarray) -> np.ndarray:
        parts = torch.split(torch.as_tensor(vector).to(weights[0]), [w.numel() for w in weights])
        shaped = [part.view_as(w) for part, w in zip(parts, weights, strict=True)]
        found = hessian_product(gradients, weights, shaped, keep=True)
        return torch.cat([h.flatten() for h in found]).double().cpu().numpy()

    count = sum(w.numel() for w in weights)
    start = torch.randn(count, generator=shared.generator("hessian")).double().numpy()
    try:
        values = eigsh(LinearOperator((count, count), matvec=times, dtype=np.float64), k=1, which="LA", tol=TOLERANCE,
                       ncv=VECTORS, v0=start, maxiter=RESTARTS, return_eigenvectors=False)
    except ArpackNoConvergence as error:
        raise UnscorableError(f"Lanczos iteration did not settle in {RESTARTS} restarts") from error
    return float(values[0])
