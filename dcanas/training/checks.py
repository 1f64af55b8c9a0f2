"""What a recipe requires and the data or the network may lack, checked before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.pretrained import read_weights
from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe


def check_recipe(recipe: Recipe, dataset: Dataset, skeleton: Mapping[str, Any]) -> None:
    """Check a recipe against the data and the network before anything is spent.

    Args:
        skeleton: of the final network.

    Raises `UserError` for missing files, initial weights that cannot be used, colour operations or a teacher that do
    not suit these images, and an auxiliary loss for a network without an auxiliary head.
    """
    recipe.files()
    if recipe.init is not None:
        read_weights(recipe.init)
    recipe.colour.check_channels(dataset.shape[0])
    if recipe.distillation.teacher is not None:
        from dcanas.training.teacher import try_teacher

        try_teacher(recipe, dataset)
    if recipe.auxiliary_weight and not skeleton.get("auxiliary"):
        raise UserError(f"train.auxiliary_weight={recipe.auxiliary_weight:g} needs an auxiliary head, which "
                        "space.final_skeleton.auxiliary=true gives a network of space=darts; set the weight to 0 for "
                        "other spaces.")
