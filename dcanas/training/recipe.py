"""How a network is trained: plain numbers, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from functools import cache
from hashlib import file_digest
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.ranges import Ranges, check_ranges
from dcanas.training.recipe_parts import Adversarial, Colour, Distillation, Schedule

RANGES: Ranges = {
    "epochs": (int, 1, 100_000),
    "batch_size": (int, 2, 65_536),  # batch norm has no statistics of one image
    "learning_rate": (float, 1e-8, 10),
    "momentum": (float, 0, 0.9999),
    "weight_decay": (float, 0, 1),
    "label_smoothing": (float, 0, 0.9),
    "warmup_epochs": (float, 0, 1000),
    "clip_norm": (float, 0, 1e6),
    "auxiliary_weight": (float, 0, 10),
    "drop_path": (float, 0, 0.9),
    "mixup": (float, 0, 100),
    "ema": (float, 0, 0.999999),
    "crop_padding": (int, 0, 256),
    "crop_aspect": (float, 1, 10),
    "rotation": (float, 0, 180),
    "zoom": (float, 0, 0.9),
    "cutout": (float, 0, 1),
    "erasing": (float, 0, 1),
}
OPTIONAL = ("crop_padding", "flip")  # may be None: the data decides
AMP = ("auto", "off", "bf16")


@dataclass(frozen=True)
class Recipe:
    """SGD with warm-up and a schedule; the defaults fit small images (configuration group `train`).

    weight_decay: of kernels and matrices; of batch norms and biases too where decay_all is true.
    auxiliary_weight: of the loss of an auxiliary head, in networks that have one (DARTS).
    drop_path: probability at the end of a linear ramp from 0, in networks that have paths to drop.
    mixup: both parameters of the beta distribution; 0 mixes nothing (arXiv 1710.09412).
    ema: decay of the exponential moving average of the weights, which is then what is delivered; 0: none.
    init: file of weights to start from; freeze: patterns of parameter names that do not train (see `start`).
    clip_norm: largest norm of the whole gradient; 0 clips nothing.
    crop_padding: pixels; None: an eighth of the image's shorter side. flip: None: where the data allows it.
    crop_scale: [smallest, largest] share of the image's area that is cropped and resized; () crops none.
    crop_aspect: largest ratio of the sides of that crop. rotation: degrees to either side. zoom: relative.
    cutout: side of the hole in shorter sides of the image. erasing: probability of a random rectangle.
    weighted_loss: classes count equally however many images they have.
    amp: `auto` computes in bfloat16 where a CUDA device has it; `bf16` everywhere; `off` never.
    channels_last: memory layout of images and kernels. compile: by `torch.compile`.
    Raises `UserError` naming the field, its range and the value.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 0.1
    schedule: Schedule = field(default_factory=Schedule)
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    decay_all: bool = False
    label_smoothing: float = 0.1
    warmup_epochs: float = 2
    clip_norm: float = 5.0
    auxiliary_weight: float = 0.0
    drop_path: float = 0.0
    mixup: float = 0.0
    ema: float = 0.0
    distillation: Distillation = field(default_factory=Distillation)
    init: str | None = None
    freeze: tuple[str, ...] = ()
    crop_padding: int | None = None
    crop_scale: tuple[float, ...] = ()
    crop_aspect: float = 4 / 3
    flip: bool | None = None
    rotation: float = 0.0
    zoom: float = 0.0
    cutout: float = 0.0
    erasing: float = 0.0
    colour: Colour = field(default_factory=Colour)
    adversarial: Adversarial = field(default_factory=Adversarial)
    weighted_loss: bool = False
    amp: str = "auto"
    channels_last: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        check_ranges(self, "train", RANGES, optional=OPTIONAL)
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.type in ("bool", "bool | None") and not isinstance(value, bool) and \
                    not (value is None and spec.name in OPTIONAL):
                raise UserError(f"train.{spec.name} must be true or false, got {value!r}.")
        if self.amp not in AMP:
            raise UserError(f"train.amp must be one of {', '.join(AMP)}, got {self.amp!r}.")
        if self.nesterov and not self.momentum:
            raise UserError("train.nesterov needs train.momentum > 0; raise it or set train.nesterov=false.")
        if self.schedule.learning_rate_min > self.learning_rate:
            raise UserError(f"train.schedule.learning_rate_min={self.schedule.learning_rate_min:g} must not exceed "
                            f"train.learning_rate={self.learning_rate:g}.")
        if self.crop_scale and not (len(self.crop_scale) == 2 and 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1):
            raise UserError("train.crop_scale must be [smallest, largest] share of the area, both above 0 and at most "
                            f"1, or [] for none, got {list(self.crop_scale)!r}.")
        if self.compile and self.drop_path:
            raise UserError("train.compile and train.drop_path do not go together: the probability changes every "
                            "epoch, and every change compiles the network again; set one of them to 0 or false.")

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step (from 0): linear warm-up, then the schedule down to its end."""
        warmup, total = self.warmup_epochs * steps_per_epoch, self.epochs * steps_per_epoch
        if step < warmup:
            return self.learning_rate * (step + 1) / (warmup + 1)
        smallest, kind = self.schedule.learning_rate_min, self.schedule.kind
        done = (step - warmup) / max(total - warmup, 1)
        if kind == "step":
            steps = step // steps_per_epoch // self.schedule.every_epochs
            return max(smallest, self.learning_rate * self.schedule.factor ** steps)
        left = (1 + math.cos(math.pi * done)) / 2 if kind == "cosine" else 1 - done
        return smallest + (self.learning_rate - smallest) * left

    def files(self) -> list[str]:
        """Return the hashes of the files the recipe reads, which its results depend on.

        Raises `UserError` for one that is missing, and for a teacher without weights.
        """
        teacher = self.distillation
        if teacher.teacher is not None and teacher.weights is None:
            raise UserError(f"train.distillation.teacher={teacher.teacher} needs its weights, and nothing is "
                            "downloaded: set train.distillation.weights to the file of its state dict, or "
                            "train.distillation.teacher=null.")
        return [_digest(f"train.{name}", path) for name, path in (
            ("init", self.init), ("distillation.weights", teacher.weights)) if path is not None]

    def from_scratch(self) -> Recipe:
        """Return the recipe for a network the given weights are not meant for."""
        return replace(self, init=None, freeze=())


def _digest(name: str, path: str) -> str:
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"{name}={path} is no file; give the path of a file of weights.")
    status = file.stat()
    return _hash(file, status.st_size, status.st_mtime_ns)


@cache
def _hash(file: Path, size: int, changed_ns: int) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()[:16]
