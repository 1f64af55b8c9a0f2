"""Auto-PGD: PGD whose step size is halved when the loss stops increasing (Croce & Hein, ICML 2020, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dcanas.basics.errors import UserError, unknown
from dcanas.robustness.checks import check_count
from dcanas.robustness.losses import cross_entropy, dlr, targeted_dlr
from dcanas.robustness.survivors import Survivors
from dcanas.robustness.task import BATCH, Images, Loss, Model, Task, run

LOSSES = ("ce", "dlr", "targeted_dlr")
_MOMENTUM = 0.75  # weight of the new step against the one before it
_RISING = 0.75  # a window in which the loss rose less often than this halves the step
_FIRST, _LESS, _LEAST = 0.22, 0.03, 0.06  # windows between checks, in shares of all steps


def apgd(model: Model, images: Images, labels: Any, eps: float = 8 / 255, *, norm: str = "linf", loss: str = "ce",
         steps: int = 100, restarts: int = 1, targets: int = 9, seed: int = 0, indices: Any = None,
         batch_size: int = BATCH) -> Images:
    """Return for each image the first misclassified point of its path, or else the one of the largest loss.

    Args:
        model: torch module, normalisation inside, from images in [0, 1] to logits (N, classes).
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units of `norm`.
        norm: "linf" or "l2".
        loss: "ce", "dlr" (3 classes or more), or "targeted_dlr" (4 or more), which tries the likeliest other
            classes one after the other.
        steps: of each try.
        restarts: tries from random points (per target).
        targets: classes that "targeted_dlr" tries.
        indices: number of each image in its data set (N,), which decides its draws, so that batches do not; default:
            0, 1, ...
        batch_size: images attacked at once.

    Returns:
        The images, as the kind and on the device they came.

    Raises:
        UserError: for invalid input.
    """
    if loss not in LOSSES:
        raise unknown("loss of APGD", loss, LOSSES)
    for name, value in (("steps", steps), ("restarts", restarts), ("targets", targets)):
        check_count(name, value)
    attack = partial(_attack, kind=loss, steps=steps, restarts=restarts, targets=targets)
    return run(attack, model, images, labels, eps, norm, seed, indices, batch_size)


def _attack(task: Task, kind: str, steps: int, restarts: int, targets: int) -> Tensor:
    survivors = Survivors(task)
    for name, aims in _aims(survivors.clean_logits, task.labels, kind, targets):
        for restart in range(restarts):
            where, origin, labels = survivors.open()
            if not len(where):
                return survivors.result
            change = task.ball.full(survivors.draws(where, "apgd", name, restart), origin.shape)
            _climb(task, survivors, where, origin, labels, task.ball.around(origin, change, task.eps),
                   kind, None if aims is None else aims[where], steps)
    return survivors.result


def _aims(logits: Tensor, labels: Tensor, kind: str, targets: int) -> Iterator[tuple[str, Tensor | None]]:
    """Yield the names of the tries, and for the targeted loss a target class per image, the likeliest first."""
    if kind != "targeted_dlr":
        yield kind, None
        return
    classes = logits.shape[1]
    if classes < 4:
        raise UserError(f"The targeted DLR loss needs at least 4 classes, the model has {classes}; use apgd_ce or "
                        "apgd_dlr.")
    others = logits.scatter(1, labels[:, None], -float("inf")).argsort(dim=1, descending=True)
    for rank in range(min(targets, classes - 1)):
        yield f"{kind} {rank}", others[:, rank]


def _climb(task: Task, survivors: Survivors, where: Tensor, origin: Tensor, labels: Tensor, x: Tensor, kind: str,
           aims: Tensor | None, steps: int) -> None:
    """Run Algorithm 1 from `x` on the rows `where`; settled rows are dropped, the best of the others are stored."""
    aims = labels if aims is None else aims  # unused by the other losses, but indexed like the rest
    before, best, level = x, x, torch.full_like(origin[:, 0, 0, 0], -torch.inf)
    gradient, best_gradient = torch.zeros_like(x), torch.zeros_like(x)
    size = torch.full_like(level, 2 * task.eps)
    last, checked_level, rises = level, level, torch.zeros_like(level)
    halved = torch.ones_like(level, dtype=torch.bool)  # the first check does not ask for progress
    window, check = max(int(_FIRST * steps), 1), max(int(_FIRST * steps), 1)
    for step in range(steps + 1):
        if step:
            weight = _MOMENTUM if step > 1 else 1.0
            ahead = task.ball.project(x + size[:, None, None, None] * task.ball.direction(gradient), origin, task.eps)
            ahead = task.ball.project(x + weight * (ahead - x) + (1 - weight) * (x - before), origin, task.eps)
            before, x = x, ahead
        loss = _loss(kind, aims)
        if step < steps:
            logits, value, gradient = task.gradient(x, labels, loss)
        else:  # nothing follows the last point
            logits = task.logits(x, labels)
            value = loss(logits, labels)
        kept = survivors.keep(where, x, logits, labels)
        where, origin, labels, aims, x, before, best, level, gradient, best_gradient, size, last, checked_level, \
            rises, halved, value = (t[kept] for t in (
                where, origin, labels, aims, x, before, best, level, gradient, best_gradient, size, last,
                checked_level, rises, halved, value))
        if not len(where):
            return
        better = value > level
        mask = better[:, None, None, None]
        best, level = torch.where(mask, x, best), torch.where(better, value, level)
        best_gradient = torch.where(mask, gradient, best_gradient)
        if step:
            rises = rises + (value > last)
        else:
            checked_level = level
        last = value
        if step == check:
            stuck = (rises <= _RISING * window) | (~halved & (level <= checked_level))
            mask = stuck[:, None, None, None]
            size = torch.where(stuck, size / 2, size)
            x, gradient = torch.where(mask, best, x), torch.where(mask, best_gradient, gradient)
            halved, checked_level, rises = stuck, level, torch.zeros_like(rises)
            window = max(window - max(int(_LESS * steps), 1), max(int(_LEAST * steps), 1))
            check += window
    survivors.offer(where, best, level)


def _loss(kind: str, aims: Tensor) -> Loss:
    return {"ce": cross_entropy, "dlr": dlr, "targeted_dlr": targeted_dlr(aims)}[kind]
