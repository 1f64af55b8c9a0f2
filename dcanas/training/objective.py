"""What is minimised: cross entropy of logits and auxiliary logits, of mixed images, and of a teacher's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dcanas.basics.keys import derive_seed
from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe
from dcanas.training.teacher import Teacher, answers, load_teacher


@dataclass(frozen=True)
class Mix:
    """How images are mixed (mixup).

    Attributes:
        others: labels of the images mixed in (N,).
        share: of each image itself and of its label; the rest is the other image's.
    """

    others: Tensor
    share: float


def mix(images: Tensor, labels: Tensor, alpha: float, seed: int, start: int = 0) -> tuple[Tensor, Mix]:
    """Return each image mixed with another of them, one share for all (Zhang et al., arXiv 1710.09412).

    Args:
        images: floats (N, C, H, W).
        labels: class indices (N,).
        alpha: both parameters of the beta distribution from which the share is drawn.
        start: position of these images in the batch; every part mixes within itself, with the batch's share.

    Returns:
        The mixed images (N, C, H, W) and how they were mixed.
    """
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    draw = torch.Generator().manual_seed(derive_seed(seed, "partners", start))
    partners = torch.randperm(len(images), generator=draw).to(images.device)
    return share * images + (1 - share) * images[partners], Mix(labels[partners], share)


class Objective:
    """The loss of a recipe on a data set; holds the class weights and the teacher.

    Args:
        indices: numbers of the training images (n,).

    Raises `UserError` for a teacher that cannot be loaded.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, indices: np.ndarray, device: torch.device):
        self.recipe = recipe
        self.weights = class_weights(dataset, indices).to(device) if recipe.weighted_loss else None
        self.teacher: Teacher | None = None
        if recipe.distillation.teacher is not None:
            self.teacher = load_teacher(recipe, dataset, device)

    def __call__(self, output: Tensor | tuple[Tensor, Tensor], images: Tensor, labels: Tensor, mixed: Mix | None = None,
                 shares: tuple[float, float] = (1.0, 1.0)) -> tuple[Tensor, Tensor]:
        """Return the logits (N, classes) and the loss of a network's output.

        Args:
            output: logits (N, classes), or (logits, auxiliary logits).
            images: floats (N, C, H, W), as the network saw them; for the teacher.
            labels: class indices (N,).
            shares: factors of the cross entropy and of the teacher's part (see `shares`).
        """
        logits, *auxiliary = (part.float() for part in output) if isinstance(output, tuple) else (output.float(),)
        loss = self._entropy(logits, labels, mixed)
        if auxiliary and self.recipe.auxiliary_weight:
            loss = loss + self.recipe.auxiliary_weight * self._entropy(auxiliary[0], labels, mixed)
        loss = loss * shares[0]
        if self.teacher is not None:
            taught = F.cross_entropy(logits, answers(self.teacher, images))
            loss = loss + self.recipe.distillation.weight * shares[1] * taught
        return logits, loss

    def shares(self, labels: Tensor, batch: np.ndarray, count: int) -> tuple[float, float]:
        """Return the factors by which a part's means enter the batch's means, times the number of parts.

        Args:
            labels: of the part (N,).
            batch: labels of the whole batch.
            count: number of parts, over which gradients are averaged.
        """
        counted = count * len(labels) / len(batch)
        if self.weights is None:
            return counted, counted
        whole = self.weights[torch.from_numpy(batch).to(labels.device)].sum()
        return count * float(self.weights[labels].sum() / whole), counted

    def _entropy(self, logits: Tensor, labels: Tensor, mixed: Mix | None) -> Tensor:
        smoothing = self.recipe.label_smoothing
        loss = F.cross_entropy(logits, labels, self.weights, label_smoothing=smoothing)
        if mixed is None:
            return loss
        other = F.cross_entropy(logits, mixed.others, self.weights, label_smoothing=smoothing)
        return mixed.share * loss + (1 - mixed.share) * other


def class_weights(dataset: Dataset, indices: np.ndarray) -> Tensor:
    """Return inverse class frequencies (classes,) whose mean over the images is 1; 0 for a class without images."""
    counts = np.bincount(dataset.labels[indices], minlength=len(dataset.classes))
    present = np.maximum(counts, 1) * (counts > 0).sum()
    return torch.tensor(np.where(counts > 0, len(indices) / present, 0.0), dtype=torch.float32)
