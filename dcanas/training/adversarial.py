"""Training on attacked images: the attack comes from outside; what happens when its single step is defeated."""

from __future__ import annotations

import copy
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe

WATCHED = 128  # training images that the alarm looks at after every epoch
MOST_STEPS = 16


class Harden(Protocol):
    """An attack made for training. Shape: images (N, C, H, W) in [0, 1], labels (N,)."""

    def batch(self, network: nn.Module, images: Tensor, labels: Tensor, steps: int, seed: int, start: int) -> Tensor:
        """Return the images to train on. start: where these images begin in their batch."""

    def overfits(self, network: nn.Module, images: Tensor, labels: Tensor, seed: int) -> bool:
        """Return whether the network withstands a single step only."""


class OverfitMonitor:
    """The attack of a training and its strength; goes back to the last good epoch when the alarm rings.

    After an alarm weights and optimiser are those of the last epoch without one, and the attack takes twice as many
    steps from then on. Everything it knows is in `state`, so that a training that is resumed does the same.
    """

    def __init__(self, harden: Harden | None, recipe: Recipe, dataset: Dataset, indices: np.ndarray, seed: int,
                 device: torch.device):
        """Raises `UserError` where the recipe asks for an attack that is not given, or is given one it does not ask."""
        if (harden is None) != (recipe.adversarial.attack == "none"):
            raise UserError(f"train.adversarial.attack={recipe.adversarial.attack}, but train() was given "
                            f"{'no' if harden is None else 'an'} attack: give it "
                            "harden=dcanas.search.adversarial.hardening(recipe).")
        self.harden, self.seed = harden, seed
        self.steps = 1
        self.good: dict[str, Any] | None = None  # state after the last epoch without alarm
        if harden is not None:
            drawn = np.random.default_rng(derive_seed(seed, "watched")).permutation(indices)[:WATCHED]
            self._images = (torch.from_numpy(dataset.images[drawn]).float() / 255).to(device)
            self._labels = torch.from_numpy(dataset.labels[drawn]).to(device)

    def batch(self, network: nn.Module, images: Tensor, labels: Tensor, step: int, start: int) -> Tensor:
        """Return the images of a step, attacked where there is an attack."""
        if self.harden is None:
            return images
        return self.harden.batch(network, images, labels, self.steps, derive_seed(self.seed, "attack", step), start)

    def rings(self, network: nn.Module) -> bool:
        """Return whether single steps are defeated."""
        return self.harden is not None and self.harden.overfits(network, self._images, self._labels, self.seed)

    def judge(self, alarm: bool, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return what the history says of an epoch that ends in `state`, and the state to go back to, if any."""
        if self.harden is None:
            return {}, None
        told = {"attack_steps": self.steps, "overfitting": alarm}
        if alarm:
            self.steps = min(2 * self.steps, MOST_STEPS)
            return told, self.good
        self.good = copy.deepcopy(state)
        return told, None

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {} if self.harden is None else {"attack": {"steps": self.steps, "good": self.good}}

    def load(self, state: dict[str, Any]) -> None:
        """Take up what a checkpoint kept."""
        if self.harden is not None:
            self.steps, self.good = state["attack"]["steps"], state["attack"]["good"]
