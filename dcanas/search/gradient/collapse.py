"""Whether a differentiable search is collapsing: alphas that prefer what has no parameters, and sharp minima.

Skip connections train no weights, so early alphas are drawn to them whatever they are worth: plain DARTS ends on
NAS-Bench-201 in the all-skip cell (Dong and Yang, ICLR 2020). The largest eigenvalue of the validation loss's Hessian
by alphas grows before that happens (Zela et al., ICLR 2020, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dcanas.supernet import Supernet

SHARE = 0.8  # of the slots that prefer an option without parameters
GROWTH, EPOCHS_BACK = 4 / 3, 5  # Zela et al. stop where the eigenvalue has grown by 1 / 0.75 in five epochs
ITERATIONS = 12
REMEDY = ("set search.beta_decay=50, search.strategy=gdas or search.strategy=dirichlet, more search.warmup_epochs, or "
          "fewer search.epochs")


def parameter_free_share(supernet: Supernet, probabilities: Sequence[Tensor]) -> float:
    """Return the share of the slots whose likeliest option is `none` or an operation without parameters."""
    preferred = [supernet.candidate(i, int(row.argmax())) for i, row in enumerate(probabilities)]
    return sum(op is None or not any(True for _ in op.parameters()) for op in preferred) / len(preferred)


def dominant_eigenvalue(loss: Callable[[Sequence[Tensor]], Tensor], alphas: Sequence[Tensor],
                        total: Callable[[Sequence[Tensor]], list[Tensor]] = list) -> float:
    """Return the Hessian eigenvalue of largest magnitude, by power iteration.

    loss: of alphas, differentiable twice; total: sums over processes that each see their part of a batch.
    """
    points = [alpha.detach().requires_grad_() for alpha in alphas]
    slope = torch.autograd.grad(loss(points), points, create_graph=True)
    vector = [1 + torch.arange(len(p)).to(p) for p in points]  # not all equal: a softmax does not see that
    eigenvalue = 0.0
    for _ in range(ITERATIONS):
        norm = torch.stack([v.norm() for v in vector]).norm()
        if not float(norm):
            return 0.0
        vector = [v / norm for v in vector]
        product = torch.autograd.grad(slope, points, vector, retain_graph=True)
        image = total(product)
        eigenvalue = float(sum((v * h).sum() for v, h in zip(vector, image, strict=True)))
        vector = image
    return eigenvalue


def warning(history: Sequence[dict[str, Any]]) -> str | None:
    """Return what the last epoch shows of a collapse and what to do, or None.

    Where a limit pushes (its multiplier is above 0) few parameters are what was asked for.
    """
    row = history[-1]
    pushed = any(value > 0 for key, value in row.items() if key.startswith("multiplier/"))
    if row["parameter_free_share"] >= SHARE and not pushed:
        return (f"The search is collapsing: after epoch {row['epoch']} {100 * row['parameter_free_share']:.0f} % of "
                f"the slots prefer an option without parameters although no limit pushes; {REMEDY}.")
    earlier = [r for r in history[:-1] if "alpha_eigenvalue" in r and r["epoch"] <= row["epoch"] - EPOCHS_BACK]
    if "alpha_eigenvalue" in row and earlier and 0 < GROWTH * earlier[-1]["alpha_eigenvalue"] < row["alpha_eigenvalue"]:
        return (f"The search is about to collapse: the largest eigenvalue of the Hessian by alphas grew from "
                f"{earlier[-1]['alpha_eigenvalue']:.3g} to {row['alpha_eigenvalue']:.3g} between epochs "
                f"{earlier[-1]['epoch']} and {row['epoch']}; {REMEDY}.")
    return None
