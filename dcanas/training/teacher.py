"""A teacher: a network of torchvision with weights from a file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError, unknown
from dcanas.basics.typed_path import typed_path
from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet: what torchvision's weights expect


class Teacher(nn.Module):
    """Normalises images in [0, 1] as torchvision's weights expect and answers. Shape: (N, 3, H, W) -> (N, classes)."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(MEAN).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(-1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.network((x - self.mean) / self.std)


def load_teacher(recipe: Recipe, dataset: Dataset, device: torch.device) -> Teacher:
    """Return the teacher that a recipe names, in evaluation mode; nothing is downloaded.

    Raises `UserError` for a name that torchvision does not know, and weights of another network.
    """
    from torchvision import models

    wanted = recipe.distillation
    check_teacher(str(wanted.teacher), dataset.shape[0])
    recipe.files()  # names the missing file
    path = typed_path(str(wanted.weights))
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced and change no seeded draw
        network = models.get_model(str(wanted.teacher), weights=None, num_classes=len(dataset.classes))
    try:
        network.load_state_dict(load_weights(path))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"{path} does not hold the weights of torchvision's {wanted.teacher} with "
                        f"{len(dataset.classes)} classes ({_reason(error)}).") from error
    return Teacher(network.requires_grad_(False)).to(device).eval()


def try_teacher(recipe: Recipe, dataset: Dataset) -> None:
    """Raise `UserError` if the teacher that a recipe names cannot be used on these images."""
    teacher, wanted = load_teacher(recipe, dataset, torch.device("cpu")), recipe.distillation
    try:
        found = answers(teacher, torch.zeros(1, *dataset.shape))
    except UserError:
        raise
    except Exception as error:  # torch raises many kinds, such as for images smaller than a kernel
        raise UserError(f"train.distillation.teacher={wanted.teacher} cannot take images of {dataset.shape[1]}x"
                        f"{dataset.shape[2]} pixels ({_reason(error)}); choose another teacher or a larger data.size."
                        ) from error
    if not bool(torch.isfinite(found).all()):
        raise UserError(f"train.distillation.weights={wanted.weights} hold numbers that are not finite (NaN or "
                        "infinity), so the teacher has no answers; give other weights.")


def answers(teacher: Teacher, images: Tensor) -> Tensor:
    """Return a teacher's probabilities (N, classes); images: floats (N, 3, H, W) in [0, 1], as the network saw them."""
    with torch.no_grad():
        found: Tensor = teacher(images).float().softmax(1)
    return found


def check_teacher(name: str, channels: int) -> None:
    """Raise `UserError` if torchvision has no classifier of that name or the images are not RGB."""
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise unknown("train.distillation.teacher", name, known)
    if channels != 3:
        raise UserError(f"train.distillation.teacher={name} sees images of 3 channels, these have {channels}; set "
                        "data.channels=3 if the data allows it, or leave the teacher out.")


def _reason(error: Exception) -> str:
    """Return the first difference torch found."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)].rstrip(".")[:160] if lines else type(error).__name__
