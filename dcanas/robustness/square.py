"""Random search with squares: needs predictions only (Andriushchenko et al., ECCV 2020)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from dcanas.robustness import square_l2, square_linf
from dcanas.robustness.checks import check_count
from dcanas.robustness.losses import margin
from dcanas.robustness.survivors import Survivors
from dcanas.robustness.task import BATCH, Images, Model, Task, run

_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # queries of 10,000 after which the area halves


def square(model: Model, images: Images, labels: Any, eps: float = 8 / 255, *, norm: str = "linf", queries: int = 5000,
           restarts: int = 1, area: float = 0.8, seed: int = 0, indices: Any = None,
           batch_size: int = BATCH) -> Images:
    """Return for each image the first misclassified point found, or else the one of the largest margin loss.

    Args:
        model: torch module, or any function from images (N, C, H, W) in [0, 1] to logits (N, classes); a function gets
            arrays if `images` is an array (so that ONNX Runtime can be attacked) and tensors if it is a tensor.
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units of `norm`.
        norm: "linf" or "l2".
        queries: predictions per image and try, including that of the first point.
        restarts: number of tries.
        area: share of the image that the first squares cover.
        indices: number of each image in its data set (N,), which decides its draws, so that batches do not; default:
            0, 1, ...
        batch_size: images attacked at once.

    Returns:
        The images, as the kind and on the device they came.

    Raises:
        UserError: for invalid input.
    """
    check_count("queries", queries)
    check_count("restarts", restarts)
    attack = partial(_attack, queries=queries, restarts=restarts, area=area)
    return run(attack, model, images, labels, eps, norm, seed, indices, batch_size, gradients=False)


def _attack(task: Task, queries: int, restarts: int, area: float) -> Tensor:
    survivors = Survivors(task)
    shapes = square_l2 if task.ball.name == "l2" else square_linf
    for restart in range(restarts):
        where, origin, labels = survivors.open()
        if not len(where):
            return survivors.result
        draws = survivors.draws(where, "square", restart)
        best = shapes.first(origin, task.eps, draws)
        level = torch.full_like(origin[:, 0, 0, 0], -torch.inf)
        for query in range(queries):
            x = shapes.change(best, origin, task.eps, share(query, queries, area), draws, query) if query else best
            logits = task.logits(x, labels)
            value = margin(logits, labels)
            better = value > level
            best = torch.where(better[:, None, None, None], x, best)
            level = torch.where(better, value, level)
            kept = survivors.keep(where, x, logits, labels)
            if isinstance(kept, Tensor):
                where, origin, labels, best, level = (t[kept] for t in (where, origin, labels, best, level))
                draws = draws.of(kept.nonzero()[:, 0].cpu().numpy())
                if not len(where):
                    break
        survivors.offer(where, best, level)
    return survivors.result


def share(query: int, queries: int, area: float) -> float:
    """Return the share of the image that the square of a query covers (the published schedule, scaled to any budget).

    Args:
        query: number of the query, from 0.
        queries: number of queries.
        area: share at the beginning.
    """
    at = int(query / queries * 10_000)
    return area / 2 ** sum(at > limit for limit in _HALVINGS)


