"""Checks of the input of attacks; each error is one sentence."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from dcanas.basics.errors import UserError


def check_images(images: Tensor) -> None:
    """Raise `UserError` unless these are images (N, C, H, W) of floats in [0, 1], at least one."""
    if images.ndim != 4:
        raise UserError(f"Images must have the shape (N, C, H, W), got {tuple(images.shape)}.")
    if not images.numel():
        raise UserError("There are no images to attack: the set is empty; choose a split that has images.")
    if not images.is_floating_point():
        raise UserError(f"Images must be floats in [0, 1], got {_kind(images)} from {images.min()} to "
                        f"{images.max()}; divide them by 255.")
    low, high = (float(v) for v in torch.aminmax(images))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError("Images must be numbers in [0, 1], but some pixels are NaN or infinite.")
    if low < 0 or high > 1:
        advice = "divide them by 255" if low >= 0 and high > 2 else \
            "leave normalisation to the model (dcanas.export.classifier.Classifier has it inside)"
        raise UserError(f"Images must lie in [0, 1], found values from {low:g} to {high:g}; {advice}.")


def check_eps(eps: Any, norm: str, images: Tensor) -> None:
    """Raise `UserError` unless eps is a size in [0, 1] units that the norm can have.

    Args:
        norm: "linf" or "l2".
        images: (N, C, H, W); their size bounds eps in L2.
    """
    if isinstance(eps, bool) or not isinstance(eps, (int, float)) or not math.isfinite(eps):
        raise UserError(f"eps must be a number in [0, 1] units such as 8/255, got {eps!r}.")
    if eps < 0:
        raise UserError(f"eps must not be negative, got {eps:g}; 0 means no change at all.")
    largest = 1.0 if norm == "linf" else math.sqrt(images[0].numel())
    if eps > largest:
        raise UserError(f"eps={eps:g} is more than images in [0, 1] can differ ({largest:g} in {norm}); if it counts "
                        f"in 1/255, give {eps:g}/255 = {eps / 255:.4g}.")


def check_labels(labels: Tensor, count: int) -> None:
    """Raise `UserError` unless there is one class index per image."""
    if labels.ndim != 1 or len(labels) != count:
        raise UserError(f"There must be one label per image: {count} images, labels of shape {tuple(labels.shape)}.")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise UserError(f"Labels must be class indices (whole numbers), got {_kind(labels)}.")


def check_logits(logits: Any, labels: Tensor) -> None:
    """Raise `UserError` unless the model returned finite logits (N, classes) with a column for every label."""
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(labels):
        found = tuple(logits.shape) if hasattr(logits, "shape") else type(logits).__name__
        raise UserError(f"The model must return logits (N, classes), here ({len(labels)}, classes), got {found}.")
    if not torch.isfinite(logits).all():
        raise UserError("The model returns NaN or infinite logits, which no attack can use; check its weights and "
                        "the range of its input ([0, 1]).")
    classes = logits.shape[1]
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise UserError(f"Labels must be from 0 to {classes - 1}, for the model has {classes} classes; found "
                        f"{low if low < 0 else high}.")


def check_count(name: str, value: Any) -> None:
    """Raise `UserError` unless an option is a whole number from 1; name: of the option, for the message."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(f"{name} must be a whole number from 1, got {value!r}.")


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
