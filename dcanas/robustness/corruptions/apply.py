"""Corrupted images, and the accuracy on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed
from dcanas.basics.statistics import wilson_interval
from dcanas.robustness.checks import check_images, check_labels
from dcanas.robustness.corruptions.corruption import corruptions
from dcanas.robustness.proportion import Proportion
from dcanas.robustness.records import Records, evaluation_key
from dcanas.robustness.task import BATCH, Model, misclassified

SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST_SIDE = 8  # pixels


def corrupt(images: np.ndarray, name: str, severity: int, *, seed: int = 0, indices: Any = None) -> np.ndarray:
    """Return the images with one of the 15 common corruptions, rounded to 1/255 as in an image file.

    Definitions and parameters of CIFAR-10-C (Hendrycks & Dietterich, ICLR 2019); lengths in pixels grow in proportion
    on images larger than 32 pixels.

    Args:
        images: floats (N, C, H, W) in [0, 1], C 1 or 3, sides from 8 pixels.
        severity: from 1 to 5.
        indices: number of each image in its data set (N,), which decides its draws; default: 0, 1, ...

    Returns:
        float32 (N, C, H, W).

    Raises:
        UserError: for invalid input.
    """
    function = corruptions[name]
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise UserError(f"The severity of a corruption is a whole number from 1 to 5, got {severity!r}.")
    check_images(torch.as_tensor(images))
    images = np.asarray(images)
    if images.shape[1] not in (1, 3) or min(images.shape[2:]) < SMALLEST_SIDE:
        raise UserError(f"Corruptions take grey or RGB images of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels, got "
                        f"shape (C, H, W) = {tuple(images.shape[1:])}.")
    numbers = np.arange(len(images)) if indices is None else np.asarray(indices)
    result = np.empty(images.shape, np.float32)
    for row, (image, number) in enumerate(zip(images, numbers, strict=True)):
        rng = np.random.default_rng(derive_seed(seed, "corruption", name, severity, int(number)))
        changed = function(image.astype(np.float64).transpose(1, 2, 0), severity, rng)
        result[row] = np.rint(np.clip(changed, 0, 1) * 255).transpose(2, 0, 1) / 255
    return result


@dataclass(frozen=True)
class CorruptionAccuracy:
    """Accuracy by (corruption, severity).

    Attributes:
        clean: without a corruption.
        shares: of each image the share of corruptions under which it was classified correctly (N,).
    """

    clean: Proportion
    rates: dict[tuple[str, int], Proportion]
    seed: int
    shares: np.ndarray

    @property
    def mean(self) -> float:
        """The mean accuracy, from 0 to 1; every corruption and severity counts equally."""
        return sum(rate.value for rate in self.rates.values()) / len(self.rates)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean over images: Wilson's, with as many images as have the variance of the shares.

        One image under 75 corruptions is not 75 images. If all shares are equal, the images count as they are.
        """
        count, mean, variance = len(self.shares), self.mean, float(self.shares.var())
        effective = count * mean * (1 - mean) / variance if variance else float(count)
        return wilson_interval(mean, effective)

    def __float__(self) -> float:
        return self.mean

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"clean": self.clean.as_json(), "mean": self.mean, "interval": list(self.interval), "seed": self.seed,
                "rows": [{"corruption": name, "severity": severity, **rate.as_json()}
                         for (name, severity), rate in self.rates.items()]}


def corruption_accuracy(model: Model, images: np.ndarray, labels: Any, names: Iterable[str] | None = None,
                        severities: Iterable[int] = SEVERITIES, *, seed: int = 0, batch_size: int = BATCH,
                        folder: Path | None = None, model_key: str | None = None,
                        hooks: Hooks = QUIET) -> CorruptionAccuracy:
    """Return the model's accuracy on every corruption and severity.

    Args:
        model: torch module, or a function of arrays, such as an ONNX session, from images to logits (N, classes).
        images: floats (N, C, H, W) in [0, 1], C 1 or 3, sides from 8 pixels.
        labels: class indices (N,).
        names: of the corruptions; default: all 15.
        severities: from 1 to 5.
        seed: decides what is drawn, together with each image's position.
        folder: stores the results; the same call continues from there.
        model_key: identifies the model in `folder` if it is a plain function.
        hooks: receive corruptions done and to do; asked after each whether to stop.

    Raises:
        UserError: for invalid input.
        Stopped: the hooks asked to stop.
    """
    wanted = [(name, severity) for name in (corruptions if names is None else names) for severity in severities]
    if not wanted:
        raise UserError(f"Corruption accuracy needs at least one corruption and severity; known: "
                        f"{', '.join(corruptions)}.")
    target = torch.as_tensor(labels)
    check_images(torch.as_tensor(images))
    check_labels(target, len(images))
    images = np.asarray(images, dtype=np.float32)
    rates, rows, shares = {}, torch.arange(len(images)), np.zeros(len(images))
    key = "" if folder is None else evaluation_key(model, model_key, torch.as_tensor(images), target, seed)
    records = Records(folder, len(images), key, "corruptions")
    clean = Proportion.of(~misclassified(model, images, target, batch_size))
    for name, severity in wanted:
        known, fallen = records.known(f"{name} {severity}", rows)
        if not len(known):
            fallen = misclassified(model, corrupt(images, name, severity, seed=seed), target, batch_size)
            records.add(f"{name} {severity}", rows, fallen)
        rates[name, severity] = Proportion.of(~fallen)
        shares += (~fallen).numpy()
        hooks.progress(len(rates), len(wanted), f"{name} {severity}")
        if hooks.should_stop():
            raise Stopped(f"stopped after {len(rates)} corruptions")
    return CorruptionAccuracy(clean, rates, seed, shares / len(rates))
