"""Steps along the gradient, each followed by a projection (Madry et al., ICLR 2018)."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.robustness.checks import check_count
from dcanas.robustness.losses import cross_entropy
from dcanas.robustness.survivors import Survivors
from dcanas.robustness.task import BATCH, Images, Model, Task, run


def pgd(model: Model, images: Images, labels: Any, eps: float = 8 / 255, *, norm: str = "linf", steps: int = 40,
        step_size: float | None = None, restarts: int = 1, random_start: bool = True, seed: int = 0,
        indices: Any = None, batch_size: int = BATCH) -> Images:
    """Return for each image the first misclassified point of its path, or else the last one.

    Images that are misclassified before any change are returned as they are.

    Args:
        model: torch module, normalisation inside, from images in [0, 1] to logits (N, classes).
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units of `norm`.
        norm: "linf" or "l2".
        steps: of each try.
        step_size: in [0, 1] units; None: 2.5 eps / steps.
        restarts: number of tries; those after the first start at random.
        random_start: whether the first try starts at random too.
        indices: number of each image in its data set (N,), which decides its draws, so that batches do not; default:
            0, 1, ...
        batch_size: images attacked at once.

    Returns:
        The images, as the kind and on the device they came.

    Raises:
        UserError: for invalid input.
    """
    check_count("steps", steps)
    check_count("restarts", restarts)
    if step_size is not None and not step_size > 0:
        raise UserError(f"step_size must be above 0, got {step_size!r}.")
    attack = partial(_attack, steps=steps, step_size=step_size, restarts=restarts, random_start=random_start)
    return run(attack, model, images, labels, eps, norm, seed, indices, batch_size)


def _attack(task: Task, steps: int, step_size: float | None, restarts: int, random_start: bool) -> Tensor:
    size = 2.5 * task.eps / steps if step_size is None else step_size
    survivors = Survivors(task)
    for restart in range(restarts):
        where, origin, labels = survivors.open()
        x = origin
        if random_start or restart:
            change = task.ball.random(survivors.draws(where, "pgd", restart), origin.shape)
            x = task.ball.around(origin, change, task.eps)
        for _ in range(steps):
            if not len(where):
                return survivors.result
            logits, _, gradient = task.gradient(x, labels, cross_entropy)
            kept = survivors.keep(where, x, logits, labels)
            where, origin, labels, x, gradient = (t[kept] for t in (where, origin, labels, x, gradient))
            x = task.ball.project(x + size * task.ball.direction(gradient), origin, task.eps)
        if len(where):
            logits = task.logits(x, labels)
            survivors.keep(where, x, logits, labels)
            survivors.offer(where, x, cross_entropy(logits, labels))
    return survivors.result
