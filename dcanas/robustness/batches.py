"""An attack on a batch of images, as a task that any process can do."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from torch import Tensor, nn

from dcanas.basics.hooks import Hooks
from dcanas.robustness.attack import attacks
from dcanas.robustness.suite import AttackSpec
from dcanas.robustness.task import Model, misclassified

Item = tuple[AttackSpec, float, np.ndarray]  # attack, eps, numbers of the images


@dataclass(frozen=True)
class Batches:
    """What the batches of an evaluation share: the work of their tasks.

    Attributes:
        model, shipped, norm, batch_size: see `robust_curve`.
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        seed: of all random numbers; those of an image depend on its number, not on its batch.
    """

    model: Model
    shipped: Model
    images: Any
    labels: Tensor
    norm: str
    seed: int
    batch_size: int

    def __call__(self, item: Item, hooks: Hooks, device: str) -> list[bool]:
        """Return which images of a batch the model misclassifies after an attack."""
        spec, eps, part = item
        model = self.model if spec.needs_gradients else self.shipped
        if isinstance(model, nn.Module):
            model.to(device)
        adversarial = attacks[spec.attack](model, self.images[part], self.labels[part], eps, norm=self.norm,
                                           seed=self.seed, indices=part, batch_size=self.batch_size, **spec.options)
        fooled: list[bool] = misclassified(model, adversarial, self.labels[part], self.batch_size).tolist()
        return fooled

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent: modules are sent from the CPU, as other processes may have other devices."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: deepcopy(value).cpu() if isinstance(value, nn.Module) else value
                for name, value in values.items()}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
