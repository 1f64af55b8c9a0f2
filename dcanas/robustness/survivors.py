"""The images of a batch that are still classified correctly, and the best attempt on each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from dcanas.basics.keys import derive_seed
from dcanas.robustness.draws import Draws
from dcanas.robustness.task import Task


class Survivors:
    """Early exit by sample: a misclassified image is settled and not attacked any further.

    Args:
        task: the batch.

    Attributes:
        result: images (N, C, H, W): the misclassified one, or else the attempt of the largest loss.
    """

    def __init__(self, task: Task):
        self.task = task
        self.result = task.images.clone()
        self._loss = torch.full((len(task.images),), -torch.inf, device=task.images.device, dtype=task.images.dtype)
        self.clean_logits = task.logits(task.images, task.labels)
        self._settled = self.clean_logits.argmax(1) != task.labels

    def open(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return rows (n,), original images (n, C, H, W) and labels (n,) of the images that are not settled."""
        where = (~self._settled).nonzero()[:, 0]
        return where, self.task.images[where], self.task.labels[where]

    def draws(self, where: Tensor, *purpose: Any) -> Draws:
        """Return the draws of the rows `where` (n,) for a purpose."""
        own = self.task.draws.of(where.cpu().numpy())
        return Draws(derive_seed(own.seed, *purpose), np.asarray(own.indices))

    def keep(self, where: Tensor, images: Tensor, logits: Tensor, labels: Tensor) -> Tensor | slice:
        """Settle the rows whose image is misclassified; return which continue: a mask (n,), or the slice of all.

        Args:
            where: rows (n,).
            images: attempts (n, C, H, W).
            logits: of the attempts (n, classes).
            labels: (n,).
        """
        fooled = logits.argmax(1) != labels
        if not fooled.any():
            return slice(None)
        settled = where[fooled]
        self.result[settled] = images[fooled]
        self._settled[settled] = True
        return ~fooled

    def offer(self, where: Tensor, images: Tensor, loss: Tensor) -> None:
        """Store unsuccessful attempts whose loss is the largest so far.

        Args:
            where: rows (n,).
            images: attempts (n, C, H, W).
            loss: of the attempts (n,).
        """
        better = (loss > self._loss[where]) & ~self._settled[where]
        self.result[where[better]] = images[better]
        self._loss[where[better]] = loss[better].to(self._loss)
