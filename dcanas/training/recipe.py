"""How a network is trained: plain numbers, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import file_digest
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.fields import Checked, choice, number, setting
from dcanas.basics.typed_path import typed_path
from dcanas.training.recipe_parts import Adversarial, Colour, Distillation, Schedule

OPTIMISERS = ("sgd", "adamw")
AMP = ("auto", "off", "bf16")
AMP_HELP = "mixed precision: auto computes in bfloat16 if a CUDA device supports it, bf16 always does, off never"


@dataclass(frozen=True)
class Recipe(Checked):
    """How a network is trained; the defaults suit small images (configuration group `train`).

    AdamW: Loshchilov and Hutter (ICLR 2019). Mixup: Zhang et al. (arXiv 1710.09412). Raises `UserError` naming the
    setting, what is allowed and the value.
    """

    group = "train"
    epochs: int = number(25, 1, 100_000, "epochs of training")
    batch_size: int = number(32, 2, 65_536, "images per step")  # batch norm has no statistics of one image
    optimiser: str = choice("sgd", OPTIMISERS, "sgd, or adamw, which suits networks that start from given weights")
    learning_rate: float = number(0.1, 1e-8, 10, "highest learning rate")
    last_layer_rate: float = number(1.0, 1e-3, 1000, "learning rate of the last layer, relative to learning_rate")
    schedule: Schedule = field(default_factory=Schedule)
    momentum: float = number(0.9, 0, 0.9999, "momentum of SGD", optimiser=("sgd",))
    nesterov: bool = setting(True, "Nesterov's form of momentum", optimiser=("sgd",))
    weight_decay: float = number(5e-4, 0, 1, "weight decay of kernels and matrices")
    decay_all: bool = setting(False, "weight decay also of batch norms and biases")
    label_smoothing: float = number(0.1, 0, 0.9, "probability that is spread over all classes")
    warmup_epochs: float = number(2, 0, 1000, "epochs in which the learning rate rises linearly from 0")
    clip_norm: float = number(5.0, 0, 1e6, "largest norm of the whole gradient; 0: no clipping")
    auxiliary_weight: float = number(0.0, 0, 10, "weight of the auxiliary head's loss, in networks that have one")
    drop_path: float = number(0.0, 0, 0.9, "probability of dropping a path, rising linearly from 0 to this")
    mixup: float = number(0.0, 0, 100, "both parameters of mixup's beta distribution; 0: no mixup")
    ema: float = number(0.0, 0, 0.999999, "decay of the average of the weights, which is then delivered; 0: no average")
    distillation: Distillation = field(default_factory=Distillation)
    init: str | None = setting(None, "file of weights to start from")
    freeze: tuple[str, ...] = setting((), "patterns of parameter names that do not train, such as stem.*")
    crop_padding: int | None = number(None, 0, 256, "pixels around an image before it is cropped; null: an eighth of "
                                                    "its shorter side")
    crop_scale: tuple[float, ...] = setting((), "[smallest, largest] share of the area that is cropped and resized; "
                                                "[]: off")
    crop_aspect: float = number(4 / 3, 1, 10, "largest ratio of the sides of that crop")
    flip: bool | None = setting(None, "mirror images; null: if the data set allows it (say false for arrows or text)")
    rotation: float = number(0.0, 0, 180, "largest rotation, in degrees either way")
    zoom: float = number(0.0, 0, 0.9, "largest relative change of size")
    cutout: float = number(0.0, 0, 1, "side of the hole that is cut out, relative to the image's shorter side")
    erasing: float = number(0.0, 0, 1, "probability of erasing a random rectangle")
    colour: Colour = field(default_factory=Colour)
    adversarial: Adversarial = field(default_factory=Adversarial)
    weighted_loss: bool = setting(False, "classes count equally, however many images they have")
    amp: str = choice("auto", AMP, AMP_HELP)
    channels_last: bool = setting(True, "memory layout of images and kernels")
    compile: bool = setting(False, "compile the network with torch.compile")

    def __post_init__(self) -> None:
        super().__post_init__()
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

    @property
    def warming_up(self) -> float:
        """Epochs of warm-up: as stated, or a quarter of the training if that would be all of it."""
        return self.warmup_epochs if self.warmup_epochs < self.epochs else self.epochs / 4

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step (from 0): linear warm-up, then the schedule down to its end."""
        warmup, total = self.warming_up * steps_per_epoch, self.epochs * steps_per_epoch
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
    file = typed_path(path)
    if not file.is_file():
        raise UserError(f"{name}={path} is not a file; give the path of a file of weights.")
    status = file.stat()
    return _hash(file, status.st_size, status.st_mtime_ns)


@cache
def _hash(file: Path, size: int, changed_ns: int) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()[:16]
