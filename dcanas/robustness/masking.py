"""Signs of masked gradients, with which attacks by gradient are meaningless (Athalye et al., ICML 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from dcanas.robustness.losses import cross_entropy
from dcanas.robustness.task import Task

_ZERO_SHARE = 0.1  # of the correctly classified images
_SQUARE_SHARE, _SQUARE_IMAGES = 0.005, 2  # what Square may find after APGD without a warning


class MaskedGradientWarning(UserWarning):
    """The robust accuracy of this model is likely too good to be true."""


def randomised(task: Task) -> str | None:
    """Return a warning if two passes of the same images differ, else None."""
    first, second = (task.logits(task.images, task.labels) for _ in range(2))
    if torch.allclose(first, second, rtol=1e-4, atol=1e-5 * float(first.abs().max() + 1)):
        return None
    return ("The model is randomised (two passes of the same images differ); attacks see one draw at a time, so its "
            "robust accuracy is not to be trusted.")


def zero_gradients(task: Task) -> str | None:
    """Return a warning if the cross-entropy has no gradient on many correctly classified images, else None."""
    right = ~task.misclassified(task.images, task.labels)
    if not right.any():
        return None
    _, _, gradient = task.gradient(task.images[right], task.labels[right], cross_entropy)
    zero = int((gradient.flatten(1) == 0).all(1).sum())
    if zero < _ZERO_SHARE * int(right.sum()):
        return None
    return (f"The gradient is zero on {zero} of {int(right.sum())} images: steps, rounding or saturated logits mask "
            "it, and fgsm, pgd and apgd_ce cannot move; trust square and apgd_dlr.")


def square_beats_apgd(robust: dict[str, Tensor], kinds: dict[str, str]) -> str | None:
    """Return a warning if Square misleads the model on images that withstood every APGD, else None.

    Args:
        robust: per attack which images withstood it (of all, or of those that were passed on), (N,) bool.
        kinds: per attack its name in the registry.
    """
    followed = [mask for name, mask in robust.items() if kinds[name] == "apgd"]
    blind = [mask for name, mask in robust.items() if kinds[name] == "square"]
    if not followed or not blind:
        return None
    found = torch.stack(followed).all(0) & ~torch.stack(blind).all(0)
    count, total = int(found.sum()), len(found)
    if count < _SQUARE_IMAGES or count <= _SQUARE_SHARE * total:
        return None
    return (f"Square, which sees no gradient, misled the model on {count} of {total} images that withstood APGD: the "
            "gradients are masked; more attacks would likely lower the robust accuracy further.")
