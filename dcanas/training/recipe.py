"""How a network is trained: plain numbers, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from dcanas.basics.errors import UserError
from dcanas.basics.ranges import Ranges, check_ranges

RANGES: Ranges = {
    "epochs": (int, 1, 100_000),
    "batch_size": (int, 2, 65_536),  # batch norm has no statistics of one image
    "learning_rate": (float, 1e-8, 10),
    "momentum": (float, 0, 0.9999),
    "weight_decay": (float, 0, 1),
    "label_smoothing": (float, 0, 0.9),
    "warmup_epochs": (float, 0, 1000),
    "clip_norm": (float, 0, 1e6),
    "crop_padding": (int, 0, 256),
    "rotation": (float, 0, 180),
    "zoom": (float, 0, 0.9),
    "cutout": (float, 0, 1),
}


@dataclass(frozen=True)
class Recipe:
    """SGD with warm-up and a cosine schedule; the defaults fit small images (configuration group `train`).

    weight_decay: of kernels and matrices; batch norm and biases have none.
    clip_norm: largest norm of the whole gradient; 0 clips nothing.
    crop_padding: pixels; None: an eighth of the image's shorter side. flip: None: where the data allows it.
    rotation: degrees to either side. zoom: relative. cutout: side of the hole in shorter sides of the image.
    weighted_loss: classes count equally however many images they have.
    amp: `auto` computes in bfloat16 where a CUDA device has it; `off` never.
    Raises `UserError` naming the field, its range and the value.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    warmup_epochs: float = 2
    clip_norm: float = 5.0
    crop_padding: int | None = None
    flip: bool | None = None
    rotation: float = 0.0
    zoom: float = 0.0
    cutout: float = 0.0
    weighted_loss: bool = False
    amp: str = "auto"

    def __post_init__(self) -> None:
        check_ranges(self, "train", RANGES, optional=("crop_padding",))
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in ("bool", "bool | None") and not isinstance(value, bool) and \
                    not (value is None and field.name == "flip"):
                raise UserError(f"train.{field.name} must be true or false, got {value!r}.")
        if self.amp not in ("auto", "off"):
            raise UserError(f"train.amp must be auto or off, got {self.amp!r}.")
        if self.nesterov and not self.momentum:
            raise UserError("train.nesterov needs train.momentum > 0; raise it or set train.nesterov=false.")

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step (from 0): linear warm-up, then half a cosine down to 0."""
        warmup, total = self.warmup_epochs * steps_per_epoch, self.epochs * steps_per_epoch
        if step < warmup:
            return self.learning_rate * (step + 1) / (warmup + 1)
        return self.learning_rate * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1))) / 2
