"""Parts of a recipe that belong together: the schedule, the colours, the teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.ranges import Ranges, check_ranges

SCHEDULES = ("cosine", "linear", "step")
POLICIES = ("none", "cifar10", "imagenet", "svhn", "augmix")  # of AutoAugment, by the data they were found on; AugMix
ATTACKS = ("none", "fast_at")


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls after the warm-up (`train.schedule`).

    kind: half a cosine or a line down to learning_rate_min, updated every step; or steps: x factor after every
        `every_epochs` epochs (counted from the beginning), never below learning_rate_min.
    """

    kind: str = "cosine"
    learning_rate_min: float = 0.0
    factor: float = 0.97
    every_epochs: int = 1

    RANGES: ClassVar[Ranges] = {"learning_rate_min": (float, 0, 10), "factor": (float, 1e-6, 1),
                                "every_epochs": (int, 1, 100_000)}

    def __post_init__(self) -> None:
        if self.kind not in SCHEDULES:
            raise unknown("train.schedule.kind", self.kind, SCHEDULES)
        check_ranges(self, "train.schedule", self.RANGES)


@dataclass(frozen=True)
class Colour:
    """What happens to the colours of each training image (`train.colour`); 0 and none leave them alone.

    brightness, contrast, saturation: factors from 1 - x to 1 + x. hue: turned by up to x of the colour circle.
    lighting: standard deviation of the shift along the principal colours of ImageNet (Krizhevsky et al., 2012).
    auto_augment: policy by the data it was found on (Cubuk et al., arXiv 1805.09501), or augmix (Hendrycks et al.,
        ICLR 2020), mixed chains of operations; both also shear and turn.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    lighting: float = 0.0
    auto_augment: str = "none"

    RANGES: ClassVar[Ranges] = {"brightness": (float, 0, 1), "contrast": (float, 0, 1), "saturation": (float, 0, 1),
                                "hue": (float, 0, 0.5), "lighting": (float, 0, 1)}

    def __post_init__(self) -> None:
        check_ranges(self, "train.colour", self.RANGES)
        if self.auto_augment not in POLICIES:
            raise unknown("train.colour.auto_augment", self.auto_augment, POLICIES)

    def check_channels(self, channels: int) -> None:
        """Raise `UserError` for what grey images have not."""
        for name in ("saturation", "hue", "lighting"):
            if channels != 3 and getattr(self, name):
                raise UserError(f"train.colour.{name} needs images of 3 channels, these have {channels}; set it to 0.")


@dataclass(frozen=True)
class Adversarial:
    """Training on images that an attack has changed (`train.adversarial`).

    attack: none, or fast_at (one step from a noisy start, see `robustness.fast_at`). eps_255: largest change of a
        pixel in 1/255. noise: of the start, in units of it.
    """

    attack: str = "none"
    eps_255: float = 8.0
    noise: float = 2.0

    RANGES: ClassVar[Ranges] = {"eps_255": (float, 0.1, 255), "noise": (float, 0, 10)}

    def __post_init__(self) -> None:
        if self.attack not in ATTACKS:
            raise unknown("train.adversarial.attack", self.attack, ATTACKS)
        check_ranges(self, "train.adversarial", self.RANGES)


@dataclass(frozen=True)
class Distillation:
    """A trained network of torchvision whose answers are learnt too (`train.distillation`).

    teacher: its name in torchvision; weights: file of its state dict (nothing is downloaded), which a
        published recipe cannot name: `Recipe.files` refuses a teacher without it.
    weight: of the cross entropy between its probabilities and the network's, added to the loss.
    """

    teacher: str | None = None
    weights: str | None = None
    weight: float = 1.0

    RANGES: ClassVar[Ranges] = {"weight": (float, 1e-6, 1000)}

    def __post_init__(self) -> None:
        check_ranges(self, "train.distillation", self.RANGES)
        if self.weights is not None and self.teacher is None:
            raise UserError("train.distillation.weights is given without train.distillation.teacher; name the "
                            "torchvision network they belong to, such as resnet152.")
