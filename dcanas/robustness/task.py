"""The batches that attacks work on: the model in evaluation mode, the ball, and random numbers by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.robustness.balls import BALLS, Ball, ball_of
from dcanas.robustness.checks import check_count, check_eps, check_images, check_labels, check_logits
from dcanas.robustness.draws import Draws

Images = TypeVar("Images", Tensor, np.ndarray)
Model = Callable[[Any], Any]  # a torch module, or any function from images (N, C, H, W) in [0, 1] to logits
Loss = Callable[[Tensor, Tensor], Tensor]  # (logits, labels) -> one value per image; attacks make it rise
BATCH = 128  # images at once


@dataclass(frozen=True)
class Task:
    """One batch of an attack.

    Attributes:
        images: floats (N, C, H, W) in [0, 1].
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units.
        arrays: whether the model takes numpy arrays.
    """

    model: Model
    images: Tensor
    labels: Tensor
    eps: float
    ball: Ball
    draws: Draws
    arrays: bool

    def logits(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the checked logits (N, classes) of images (N, C, H, W), without gradients."""
        with torch.no_grad():
            logits = self.model(images.cpu().numpy() if self.arrays else images)
        logits = torch.from_numpy(logits).to(images) if isinstance(logits, np.ndarray) else logits
        check_logits(logits, labels)
        return logits

    def gradient(self, images: Tensor, labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (N, classes), losses (N,) and the losses' gradients at the images (N, C, H, W).

        Raises `UserError` if no gradient flows through the model.
        """
        images = images.detach().requires_grad_()
        with torch.enable_grad():
            logits = self.model(images)
            check_logits(logits, labels)
            losses = loss(logits, labels)
            gradient = None
            if losses.requires_grad:  # of the sum: no image sees how many others there are
                (gradient,) = torch.autograd.grad(losses.sum(), images, allow_unused=True)
            if gradient is None:
                raise UserError("No gradient flows through this model, so only attack square can be used on it.")
        return logits.detach(), losses.detach(), gradient

    def misclassified(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return which of the images (N, C, H, W) are misclassified, (N,) bool."""
        return self.logits(images, labels).argmax(1) != labels


def run(attack: Callable[[Task], Tensor], model: Model, images: Images, labels: Any, eps: float, norm: str,
        seed: int, indices: Any, batch_size: int, gradients: bool = True) -> Images:
    """Return the images that an attack makes, batch by batch, of the type and on the device of the given ones.

    Args:
        attack: returns the attacked images of a batch (N, C, H, W).
        images: floats (N, C, H, W) in [0, 1], tensor or array.
        labels: class indices (N,).
        eps: size of the perturbation in [0, 1] units of `norm`.
        indices: number of each image in its data set (N,), which decides its draws; default: 0, 1, ...
        batch_size: images attacked at once.
        gradients: whether the attack differentiates the model.

    Raises:
        UserError: for invalid input.
    """
    given = _as_tensor(images)
    check_images(given)
    ball = ball_of(norm)
    check_eps(eps, norm, given)
    check_count("batch_size", batch_size)
    labels = torch.as_tensor(labels)
    check_labels(labels, len(given))
    numbers = np.arange(len(given)) if indices is None else np.asarray(indices)
    if numbers.shape != (len(given),):
        raise UserError(f"indices must number the {len(given)} images, got shape {numbers.shape}.")
    if gradients and not isinstance(model, nn.Module) and isinstance(images, np.ndarray):
        raise UserError("This attack needs gradients: give it a torch module, or attack the function with square.")
    result = torch.empty_like(given)
    with evaluation(model):
        for part, task in tasks(model, images, labels, batch_size, float(eps), ball, Draws(seed, numbers)):
            result[part] = attack(task).to(result)
    return result.numpy() if isinstance(images, np.ndarray) else result


def tasks(model: Model, images: Any, labels: Tensor, batch_size: int, eps: float = 0.0, ball: Ball = BALLS["linf"],
          draws: Draws | None = None) -> Iterator[tuple[slice, Task]]:
    """Yield the rows of every batch and its task, on the device of the model's parameters.

    Args:
        images: floats (N, C, H, W) in [0, 1], tensor or array; float64 stays, other types become float32.
        labels: class indices (N,).
        draws: of all images; default: none are needed.
    """
    given, arrays = _as_tensor(images), isinstance(images, np.ndarray) and not isinstance(model, nn.Module)
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    device = given.device if parameter is None else parameter.device
    draws = draws or Draws(0, np.arange(len(given)))
    for start in range(0, len(given), batch_size):
        part = slice(start, start + batch_size)
        batch = given[part].to(device)
        yield part, Task(model, batch if batch.dtype == torch.float64 else batch.float(),
                         labels[part].to(device).long(), eps, ball, draws.of(part), arrays)


def misclassified(model: Model, images: Any, labels: Tensor, batch_size: int = BATCH) -> Tensor:
    """Return which images a model in evaluation mode misclassifies, (N,) bool, on the CPU.

    Args:
        images: floats (N, C, H, W) in [0, 1], tensor or array; a model that is a plain function gets the same type.
        labels: class indices (N,).
        batch_size: images classified at once.
    """
    with evaluation(model):
        return torch.cat([task.misclassified(task.images, task.labels).cpu()
                          for _, task in tasks(model, images, labels, batch_size)])


def _as_tensor(images: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)) if isinstance(images, np.ndarray) else images


@contextmanager
def evaluation(model: Model) -> Iterator[None]:
    """Put a module into evaluation mode and restore the mode of every submodule afterwards."""
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    if isinstance(model, nn.Module):
        model.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
