"""A teacher: a network in memory, or one of torchvision with weights from a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError, unknown
from dcanas.training.data import Dataset
from dcanas.training.recipe import Recipe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet: what torchvision's weights expect


class Teacher(nn.Module):
    """Normalises images in [0, 1] as torchvision's weights expect and answers. Shape: (N, 3, H, W) -> (N, classes)."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, size: tuple[int, int]):
        super().__init__()
        self.network, self.size = network, size
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
    path = Path(str(wanted.weights)).expanduser()
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced and change no seeded draw
        network = models.get_model(str(wanted.teacher), weights=None, num_classes=len(dataset.classes))
    try:
        network.load_state_dict(load_weights(path))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"{path} does not hold the weights of torchvision's {wanted.teacher} with "
                        f"{len(dataset.classes)} classes ({_reason(error)}).") from error
    return Teacher(network.requires_grad_(False), dataset.shape[1:]).to(device).eval()


def given_teacher(teacher: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """Return a teacher that is in memory, moved to the device, in evaluation mode.

    Raises `UserError` if the recipe names another one, and for a teacher that does not say its image size.
    """
    if recipe.distillation.teacher is not None:
        raise UserError(f"train.distillation.teacher={recipe.distillation.teacher}, but train() was given a teacher, "
                        "too; leave out one of them.")
    if not hasattr(teacher, "size"):
        raise UserError(f"train() was given a teacher ({type(teacher).__name__}) without an attribute `size`; set "
                        "teacher.size = (H, W), the size in pixels of the images that it takes.")
    return teacher.to(device).eval()


def answers(teacher: nn.Module, images: Tensor, classes: int) -> Tensor:
    """Return a teacher's probabilities (N, classes).

    Args:
        teacher: with an attribute `size`: (H, W) of the images that it takes.
        images: floats (N, C, H, W) in [0, 1], as the network saw them; resized bilinearly to the teacher's size.

    Raises `UserError` for a teacher of another number of classes.
    """
    with torch.no_grad():
        size = _size(teacher)
        if images.shape[2:] != size:
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        found = teacher(images).float().softmax(1)
    if found.shape[1] != classes:
        raise UserError(f"The teacher ({type(teacher).__name__}) knows {found.shape[1]} classes, the data has "
                        f"{classes}; train the teacher on the same classes.")
    return found


def teacher_key(teacher: nn.Module) -> str:
    """Return a hash of a teacher's weights and image size."""
    digest = sha256(str(_size(teacher)).encode())
    for name, value in teacher.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _size(teacher: nn.Module) -> tuple[int, int]:
    size: Any = teacher.size
    height, width = size
    return int(height), int(width)


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
