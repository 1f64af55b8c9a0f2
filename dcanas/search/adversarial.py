"""The attack of a recipe's adversarial training: the rooms `training` and `robustness` do not import each other."""

from __future__ import annotations

from dcanas.robustness.training_attack import FastAT
from dcanas.training import Recipe


def adversarial_attack(recipe: Recipe) -> FastAT | None:
    """Return the attack that `train` needs for a recipe; None if the recipe asks for none."""
    asked = recipe.adversarial
    return None if asked.attack == "none" else FastAT(asked.eps_255 / 255, asked.noise)
