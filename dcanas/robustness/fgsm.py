"""One step along the gradient (Goodfellow et al., ICLR 2015)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dcanas.robustness.losses import cross_entropy
from dcanas.robustness.task import BATCH, Images, Model, Task, run


def fgsm(model: Model, images: Images, labels: Any, eps: float = 8 / 255, *, norm: str = "linf", seed: int = 0,
         indices: Any = None, batch_size: int = BATCH) -> Images:
    """Return every image moved by eps along the direction in which the cross-entropy rises, clipped to [0, 1].

    Nothing is drawn: seed and indices are there because every attack has them.

    Args:
        model: torch module, normalisation inside, from images in [0, 1] to logits (N, classes).
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units of `norm`.
        norm: "linf" (the sign of the gradient) or "l2".
        batch_size: images attacked at once.

    Returns:
        The images, as the kind and on the device they came.

    Raises:
        UserError: for invalid input.
    """
    return run(_attack, model, images, labels, eps, norm, seed, indices, batch_size)


def _attack(task: Task) -> Tensor:
    _, _, gradient = task.gradient(task.images, task.labels, cross_entropy)
    return task.ball.project(task.images + task.eps * task.ball.direction(gradient), task.images, task.eps)
