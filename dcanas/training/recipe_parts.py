"""Parts of a recipe that belong together: the schedule, the colours, the teacher."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError
from dcanas.basics.fields import Checked, choice, number, setting

SCHEDULES = ("cosine", "linear", "step")
POLICIES = ("none", "cifar10", "imagenet", "svhn", "augmix")
ATTACKS = ("none", "fast_at")


@dataclass(frozen=True)
class Schedule(Checked):
    """How the learning rate falls after the warm-up (`train.schedule`)."""

    group = "train.schedule"
    kind: str = choice("cosine", SCHEDULES, "half a cosine, a line (both updated every step), or steps")
    learning_rate_min: float = number(0.0, 0, 10, "learning rate at the end, and the lowest of kind=step")
    factor: float = number(0.97, 1e-6, 1, "factor of the learning rate ...", kind=("step",))
    every_epochs: int = number(1, 1, 100_000, "... after every so many epochs, counted from the beginning",
                               kind=("step",))


@dataclass(frozen=True)
class Colour(Checked):
    """What happens to the colours of each training image (`train.colour`).

    AutoAugment: Cubuk et al. (arXiv 1805.09501); AugMix: Hendrycks et al. (ICLR 2020); lighting: Krizhevsky et al.
    (2012).
    """

    group = "train.colour"
    brightness: float = number(0.0, 0, 1, "brightness is multiplied by a factor from 1 - x to 1 + x")
    contrast: float = number(0.0, 0, 1, "contrast is multiplied by a factor from 1 - x to 1 + x")
    saturation: float = number(0.0, 0, 1, "saturation is multiplied by a factor from 1 - x to 1 + x")
    hue: float = number(0.0, 0, 0.5, "hue is turned by up to this share of the colour circle, either way")
    lighting: float = number(0.0, 0, 1, "standard deviation of the shift along the principal colours of ImageNet")
    auto_augment: str = choice("none", POLICIES, "AutoAugment policy, by the data it was found on, or augmix; both "
                                                 "also shear and turn")

    def check_channels(self, channels: int) -> None:
        """Raise `UserError` for an operation that needs colour images if the images are grey."""
        for name in ("saturation", "hue", "lighting"):
            if channels != 3 and getattr(self, name):
                raise UserError(f"train.colour.{name} needs images of 3 channels, these have {channels}; set it to 0.")


@dataclass(frozen=True)
class Adversarial(Checked):
    """Training on images that an attack has changed (`train.adversarial`, see `robustness.fast_at`)."""

    group = "train.adversarial"
    attack: str = choice("none", ATTACKS, "fast_at: one step of the gradient's sign from a noisy start")
    eps_255: float = number(8.0, 0.1, 255, "largest change of a pixel, in 1/255", attack=("fast_at",))
    noise: float = number(2.0, 0, 10, "size of the noise at the start, relative to eps_255", attack=("fast_at",))


@dataclass(frozen=True)
class Distillation(Checked):
    """A trained network of torchvision whose answers are learnt too (`train.distillation`).

    A published recipe cannot name the file of weights: `Recipe.files` refuses a teacher without it.
    """

    group = "train.distillation"
    teacher: str | None = setting(None, "name of a network in torchvision, such as resnet152; null: none")
    weights: str | None = setting(None, "file of the teacher's state dict; nothing is downloaded")
    weight: float = number(1.0, 1e-6, 1000, "weight of the cross entropy between the teacher's and the network's "
                                            "probabilities")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights is not None and self.teacher is None:
            raise UserError("train.distillation.weights is given without train.distillation.teacher; name the "
                            "torchvision network they belong to, such as resnet152.")
