"""What a recipe's adversarial training needs from the attacks: training and robustness do not know each other."""

from __future__ import annotations

from dcanas.robustness.training_attack import FastAT
from dcanas.training import Recipe


def hardening(recipe: Recipe) -> FastAT | None:
    """Return what `train` attacks its batches with, None where the recipe asks for no attack."""
    asked = recipe.adversarial
    return None if asked.attack == "none" else FastAT(asked.eps_255 / 255, asked.noise)
