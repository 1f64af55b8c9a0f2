"""Images to train on so that a network becomes robust: one step from a noisy start, and the alarm when that fails.

Wong, Rice & Kolter (ICLR 2020) train on single-step attacks from random starts; past some eps the network learns to
defeat the single step alone (catastrophic overfitting). Noise wider than eps that is not clipped back prevents that
(de Jorge et al., NeurIPS 2022, N-FGSM), and `overfitting` notices should it happen all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dcanas.robustness.balls import ball_of
from dcanas.robustness.checks import check_eps, check_images, check_labels
from dcanas.robustness.draws import Draws
from dcanas.robustness.fgsm import fgsm
from dcanas.robustness.pgd import pgd
from dcanas.robustness.task import BATCH

_GAP = 0.15  # single-step minus multi-step robust accuracy beyond which the network defeats the single step only


def fast_at(network: nn.Module, images: Tensor, labels: Tensor, eps: float = 8 / 255, *, norm: str = "linf",
            noise: float = 2.0, seed: int = 0, indices: Any = None) -> Tensor:
    """Return the batch to train on: noise of up to `noise` times eps, then a step of eps along the gradient.

    The network computes in the mode it is in; its weights, gradients and batch-norm statistics are not touched. Nothing
    depends on calls before: draws belong to (seed, indices), so a training that is resumed makes the same batches.
    Shape: images (N, C, H, W) in [0, 1], labels (N,) -> (N, C, H, W). Raises `UserError`.
    """
    check_images(images)
    check_eps(eps, norm, images)
    check_labels(labels, len(images))
    ball = ball_of(norm)
    draws = Draws(seed, np.arange(len(images)) if indices is None else np.asarray(indices))
    change = torch.from_numpy(ball.random(draws, images.shape)).to(images)
    start = (images + noise * eps * change).detach().requires_grad_()
    with _still_statistics(network), torch.enable_grad():
        loss = F.cross_entropy(network(start), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, start)
    return (start.detach() + eps * ball.direction(gradient)).clamp_(0, 1)


def overfitting(network: nn.Module, images: Tensor, labels: Tensor, eps: float = 8 / 255, *, norm: str = "linf",
                steps: int = 10, seed: int = 0, batch_size: int = BATCH) -> bool:
    """Return whether the network withstands one step but not several: then go back to the last good checkpoint.

    images: of the training split, a few hundred; the test split decides nothing.
    """
    shares = []
    for changed in (fgsm(network, images, labels, eps, norm=norm, batch_size=batch_size),
                    pgd(network, images, labels, eps, norm=norm, steps=steps, seed=seed, batch_size=batch_size)):
        shares.append(_accuracy(network, changed, labels, batch_size))
    return shares[0] - shares[1] > _GAP


def _accuracy(network: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> float:
    mode = network.training
    network.eval()
    with torch.no_grad():
        right = [network(images[i:i + batch_size]).argmax(1) == labels[i:i + batch_size]
                 for i in range(0, len(images), batch_size)]
    network.train(mode)
    return float(torch.cat(right).float().mean())


@contextmanager
def _still_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch norm use the batch's statistics without remembering them."""
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    tracked = [(part, part.track_running_stats) for part in norms if part.training]
    for part, _ in tracked:
        part.track_running_stats = False
    try:
        yield
    finally:
        for part, value in tracked:
            part.track_running_stats = value
