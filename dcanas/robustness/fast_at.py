"""Fast adversarial training: one step from a noisy start, and a test for catastrophic overfitting.

Wong, Rice & Kolter (ICLR 2020) train on single-step attacks from random starts; past some eps the network learns to
withstand the single step alone (catastrophic overfitting). Noise wider than eps that is not clipped back prevents that
(de Jorge et al., NeurIPS 2022, N-FGSM), and `overfitting` detects it if it happens nevertheless; several steps (Madry
et al., ICLR 2018) are then the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dcanas.robustness.balls import BALLS
from dcanas.robustness.checks import check_eps, check_images, check_labels
from dcanas.robustness.draws import Draws
from dcanas.robustness.fgsm import fgsm
from dcanas.robustness.pgd import pgd
from dcanas.robustness.task import misclassified

_GAP = 0.15  # single-step minus multi-step robust accuracy above which training has overfitted to the single step


def fast_at(network: nn.Module, images: Tensor, labels: Tensor, eps: float = 8 / 255, *, noise: float = 2.0,
            steps: int = 1, seed: int = 0, indices: Any = None) -> Tensor:
    """Return the batch to train on: noise of up to `noise` times eps, then a step of eps along the gradient (L-inf).

    The network computes in the mode it is in; its weights, gradients and batch-norm statistics are not changed. Nothing
    depends on earlier calls: draws depend on (seed, indices), so a resumed training makes the same batches.

    Args:
        network: returns logits (N, classes), or (logits, auxiliary logits), of which only the first are attacked.
        images: floats (N, C, H, W) in [0, 1].
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units.
        noise: relative to eps.
        steps: if more than one, so many projected steps of 2.5 eps / steps from a random start within the ball.
        indices: number of each image (N,), which decides its draws; default: 0, 1, ...

    Returns:
        Images (N, C, H, W).

    Raises:
        UserError: for invalid input.
    """
    check_images(images)
    check_eps(eps, "linf", images)
    check_labels(labels, len(images))
    ball = BALLS["linf"]
    draws = Draws(seed, np.arange(len(images)) if indices is None else np.asarray(indices))
    change = torch.from_numpy(ball.random(draws, images.shape)).to(images)
    if steps == 1:
        start = images + noise * eps * change
        return (start + eps * ball.direction(_gradient(network, start, labels))).clamp_(0, 1)
    x = ball.project(images + eps * change, images, eps)
    for _ in range(steps):
        x = ball.project(x + 2.5 * eps / steps * ball.direction(_gradient(network, x, labels)), images, eps)
    return x


def _gradient(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    images = images.detach().requires_grad_()
    with _still_statistics(network), torch.enable_grad():
        logits = network(images)
        logits = logits[0] if isinstance(logits, tuple) else logits
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits.float(), labels, reduction="sum"), images)
    return gradient


def overfitting(network: nn.Module, images: Tensor, labels: Tensor, eps: float = 8 / 255, *, steps: int = 10,
                seed: int = 0) -> bool:
    """Return whether the network withstands one step but not several: catastrophic overfitting.

    Args:
        images: floats (N, C, H, W) in [0, 1], a few hundred of the training split; the test split decides nothing.
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units, L-inf.
        steps: of the stronger attack.
    """
    single, several = (float((~misclassified(network, changed, labels)).float().mean()) for changed in (
        fgsm(network, images, labels, eps), pgd(network, images, labels, eps, steps=steps, seed=seed)))
    return single - several > _GAP


@contextmanager
def _still_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch norm use the statistics of the batch without updating its running ones."""
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    tracked = [(part, part.track_running_stats) for part in norms if part.training]
    for part, _ in tracked:
        part.track_running_stats = False
    try:
        yield
    finally:
        for part, value in tracked:
            part.track_running_stats = value
