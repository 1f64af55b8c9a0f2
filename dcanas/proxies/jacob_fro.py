"""Frobenius norm of the input-output Jacobian (Hoffman et al., 2019, arXiv 1908.02729; feature of arXiv 2307.09365)."""

from __future__ import annotations

import math

import torch

from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared, first_output

ROWS = 10


@proxy(FACTS["jacob_fro"])
def jacob_fro(shared: Shared) -> float:
    """Return sqrt of the mean over images of the squared Frobenius norm of d outputs / d image.

    One backward pass per class up to 10 classes, exact; beyond, 10 random orthonormal directions of the outputs,
    scaled to be unbiased for the square.
    """
    net = shared.fresh()
    images = shared.images.clone().requires_grad_(True)
    logits = first_output(net(images))
    classes = logits.shape[1]
    rows = torch.eye(classes)
    if classes > ROWS:
        rows = torch.linalg.qr(torch.randn(classes, ROWS, generator=shared.generator("jacob_fro")))[0].T
    total = 0.0
    for row in rows.to(logits):
        (found,) = torch.autograd.grad((logits * row).sum(), images, retain_graph=True, allow_unused=True)
        total += 0.0 if found is None else float(found.double().square().sum())
    return math.sqrt(total * classes / len(rows) / len(images))
