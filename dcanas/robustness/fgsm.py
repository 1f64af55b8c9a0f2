"""One step along the gradient (Goodfellow et al., ICLR 2015)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dcanas.robustness.attack import attacks
from dcanas.robustness.losses import cross_entropy
from dcanas.robustness.task import BATCH, Images, Model, Task, run


@attacks.add
def fgsm(model: Model, images: Images, labels: Any, eps: float = 8 / 255, *, norm: str = "linf", seed: int = 0,
         indices: Any = None, batch_size: int = BATCH) -> Images:
    """Return every image moved by eps along the direction in which the cross-entropy rises, clipped to [0, 1].

    model: torch module, normalisation inside, images in [0, 1] -> logits. norm: `linf` (the sign) or `l2`.
    Nothing is drawn: seed and indices are there because every attack has them.
    Shape: images (N, C, H, W), labels (N,) -> (N, C, H, W). Raises `UserError`.
    """
    return run(_attack, model, images, labels, eps, norm, seed, indices, batch_size)


def _attack(task: Task) -> Tensor:
    _, _, gradient = task.gradient(task.images, task.labels, cross_entropy)
    return task.ball.project(task.images + task.eps * task.ball.direction(gradient), task.images, task.eps)
