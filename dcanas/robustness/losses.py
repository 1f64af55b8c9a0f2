"""Losses that attacks maximise. Shape: logits (N, classes), labels (N,) -> (N,)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.robustness.task import Loss

_TINY = 1e-12


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of each image (N,)."""
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the largest other logit minus that of the label (N,): above 0 if the image is misclassified."""
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -float("inf"))
    return others.amax(1) - own[:, 0]


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the difference of logits ratio (N,) (Croce & Hein, ICML 2020, Eq. 6): the margin, invariant to scale.

    Raises `UserError` for fewer than three classes.
    """
    if logits.shape[1] < 3:
        raise UserError(f"The DLR loss needs at least 3 classes, the model has {logits.shape[1]}; use apgd_ce.")
    largest = logits.topk(3, dim=1).values
    return margin(logits, labels) / (largest[:, 0] - largest[:, 2] + _TINY)


def targeted_dlr(targets: Tensor) -> Loss:
    """Return the targeted DLR loss (Croce & Hein, ICML 2020, Eq. 7) towards one class per image, `targets` (N,)."""

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        largest = logits.topk(4, dim=1).values
        difference = logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None])
        return difference[:, 0] / (largest[:, 0] - (largest[:, 2] + largest[:, 3]) / 2 + _TINY)

    return loss
