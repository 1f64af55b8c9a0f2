"""Whether a differentiable search is collapsing: alphas that prefer what has no parameters, and sharp minima.

Skip connections train no weights, so early alphas prefer them regardless of their value: plain DARTS ends on
NAS-Bench-201 in the all-skip cell (Dong and Yang, ICLR 2020). The largest eigenvalue of the validation loss's Hessian
by alphas grows before that happens (Zela et al., ICLR 2020, section 4).

The likeliest options alone say little: while alphas are nearly equal, an operation without parameters often leads by
some hundredths in every slot, in good searches as well (on the digits up to 0.1, at an entropy of 98 % of the largest).
So a preference counts if it is clear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

CLEAR = 2  # times as likely as every option with parameters
SHARE = 0.8  # of the slots that clearly prefer an option without parameters
USED_UP = 0.9  # expected cost over limit from which the limit is what keeps parameters out
GROWTH, EPOCHS_BACK = 4 / 3, 5  # Zela et al. stop where the eigenvalue has grown by 1 / 0.75 in five epochs
ITERATIONS = 12
REMEDY = ("set search.beta_decay=50, search.strategy=gdas or search.strategy=dirichlet, more search.warmup_epochs, or "
          "fewer search.epochs")


def parameter_free_share(mixing: Sequence[Sequence[float]], free: Sequence[Sequence[bool]]) -> float:
    """Return the share of the slots that clearly prefer an option without parameters (see `CLEAR`).

    Args:
        mixing: per slot, the probability of every option.
        free: per slot and option, whether the option has no parameters.
    """
    clear = [max((p for p, f in zip(row, flags, strict=True) if f), default=0.0)
             >= CLEAR * max((p for p, f in zip(row, flags, strict=True) if not f), default=1.0)
             for row, flags in zip(mixing, free, strict=True)]
    return sum(clear) / len(clear)


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


def warning(history: Sequence[dict[str, Any]], finalists: int = 0) -> str | None:
    """Return what the last epoch shows of a collapse and what to do, or None.

    If a limit pushes (its multiplier is above 0) or is used up, few parameters are what was asked for.

    Args:
        history: one row per epoch, see `SearchResult`.
        finalists: number of candidates that are trained afterwards before one is chosen.
    """
    row = history[-1]
    remedy = REMEDY if finalists < 2 else (
        f"{REMEDY}; {finalists} candidates are still compared by training, the largest within the limits among them "
        "(search.finalists), so what is delivered may be good all the same")
    limited = any(value > 0 for key, value in row.items() if key.startswith("multiplier/")) or any(
        value >= USED_UP for key, value in row.items() if key.startswith("expected_over_limit/"))
    if row["parameter_free_share"] >= SHARE and not limited:
        return (f"The search is collapsing: after epoch {row['epoch']}, {100 * row['parameter_free_share']:.0f} % of "
                f"the slots clearly prefer an option without parameters although no limit asks for it; {remedy}.")
    earlier = [r for r in history[:-1] if "alpha_eigenvalue" in r and r["epoch"] <= row["epoch"] - EPOCHS_BACK]
    if "alpha_eigenvalue" in row and earlier and 0 < GROWTH * earlier[-1]["alpha_eigenvalue"] < row["alpha_eigenvalue"]:
        return (f"The search is about to collapse: the largest eigenvalue of the Hessian by alphas grew from "
                f"{earlier[-1]['alpha_eigenvalue']:.3g} to {row['alpha_eigenvalue']:.3g} between epochs "
                f"{earlier[-1]['epoch']} and {row['epoch']}; {remedy}.")
    return None
