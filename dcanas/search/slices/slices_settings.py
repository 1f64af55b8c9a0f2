"""How a supernet of pretrained slices is trained and asked: settings, checked."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.fields import choice, number
from dcanas.search.halving.halving_settings import HalvingSettings

WAYS = ("sensitivities", "alphas", "greedy", "evolution", "random")


@dataclass(frozen=True)
class SlicesSettings(HalvingSettings):
    """A supernet of slices, and the fine-tuning of the best of them (configuration group `search`).

    The supernet's optimiser and augmentation are those of the recipe (configuration group `train`).

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    name: str = choice("slices", ("slices",), "kind of search")
    epochs: int = number(16, 1, 100_000, "epochs of the supernet's training")
    largest_epochs: int = number(6, 0, 100_000, "of these, epochs in which only the largest of its networks learn")
    random_members: int = number(1, 0, 64, "random slices trained in every later step, beside the largest and the "
                                           "smallest")
    choose: str = choice("sensitivities", WAYS, "how slices within the limits are proposed")
    recalibration_images: int = number(512, 2, 1_000_000, "training images that recalibrate a slice's batch norms")
    evaluations: int = number(40, 1, 1_000_000, "slices that are judged by their inherited loss")
    proposed: int = number(4, 1, 1000, "of them, the best that are fine-tuned beside the cuts after a stage")
