"""The attack of a recipe's adversarial training: the rooms `training` and `robustness` do not import each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcanas.training import Recipe

if TYPE_CHECKING:
    from dcanas.robustness.training_attack import FastAT


def adversarial_attack(recipe: Recipe) -> FastAT | None:
    """Return the attack that `train` needs for a recipe; None if the recipe asks for none."""
    asked = recipe.adversarial
    if asked.attack == "none":
        return None
    from dcanas.robustness.training_attack import FastAT  # here: few trainings take it

    return FastAT(asked.eps_255 / 255, asked.noise)
