"""Training on attacked images: the attack is passed in; a monitor notices if the network learns to defeat its step."""

from __future__ import annotations

import copy
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.keys import derive_seed
from dcanas.training.data import Dataset

WATCHED = 128  # training images that the monitor attacks after every epoch
MOST_STEPS = 16


class TrainingAttack(Protocol):
    """An attack made for training."""

    def batch(self, network: nn.Module, images: Tensor, labels: Tensor, steps: int, seed: int, start: int) -> Tensor:
        """Return the attacked images to train on.

        Args:
            images: floats (N, C, H, W) in [0, 1].
            labels: class indices (N,).
            steps: of the attack.
            start: position of these images in their batch, which decides their draws.
        """

    def overfits(self, network: nn.Module, images: Tensor, labels: Tensor, seed: int) -> bool:
        """Return whether the network withstands single-step attacks only. Shapes as for `batch`."""


class OverfitMonitor:
    """Attacks the batches of a training, and notices catastrophic overfitting (Wong et al., ICLR 2020).

    When it fires, weights and optimiser go back to the last epoch after which it did not, and the attack takes twice
    as many steps from then on. `state` holds everything it knows, so that a resumed training does the same.

    Args:
        indices: the training images, of which some are watched.
    """

    def __init__(self, attack: TrainingAttack, dataset: Dataset, indices: np.ndarray, seed: int, device: torch.device):
        self.attack, self.seed = attack, seed
        self.steps = 1
        self.good: dict[str, Any] | None = None  # state after the last epoch in which the monitor did not fire
        drawn = np.random.default_rng(derive_seed(seed, "watched")).permutation(indices)[:WATCHED]
        self._images = (torch.from_numpy(dataset.images[drawn]).float() / 255).to(device)
        self._labels = torch.from_numpy(dataset.labels[drawn]).to(device)

    def batch(self, network: nn.Module, images: Tensor, labels: Tensor, step: int, start: int) -> Tensor:
        """Return the attacked images of a step (N, C, H, W); start: their place in the batch."""
        return self.attack.batch(network, images, labels, self.steps, derive_seed(self.seed, "attack", step), start)

    def fired(self, network: nn.Module) -> bool:
        """Return whether the network has learnt to defeat single steps only."""
        return self.attack.overfits(network, self._images, self._labels, self.seed)

    def end_epoch(self, fired: bool, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the entries of the epoch's history, and the state to go back to, if any.

        Args:
            fired: whether the monitor of any rank fired.
            state: of network and optimiser at the end of the epoch.
        """
        entries = {"attack_steps": self.steps, "overfitting": fired}
        if fired:
            self.steps = min(2 * self.steps, MOST_STEPS)
            return entries, self.good
        self.good = copy.deepcopy(state)
        return entries, None

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {"attack": {"steps": self.steps, "good": self.good}}

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.steps, self.good = state["attack"]["steps"], state["attack"]["good"]
