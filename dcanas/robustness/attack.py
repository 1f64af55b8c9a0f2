"""The attacks by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcanas.basics.registry import Registry

attacks: Registry[Callable[..., Any]] = Registry("attack", {
    "apgd": ("dcanas.robustness.apgd:apgd",
             "Return for each image the first misclassified point of its path, or else the one of the largest loss."),
    "fgsm": ("dcanas.robustness.fgsm:fgsm",
             "Return every image moved by eps along the direction in which the cross-entropy rises, "
             "clipped to [0, 1]."),
    "pgd": ("dcanas.robustness.pgd:pgd",
            "Return for each image the first misclassified point of its path, or else the last one."),
    "square": ("dcanas.robustness.square:square",
               "Return for each image the first misclassified point found, or else the one of the largest "
               "margin loss."),
})
