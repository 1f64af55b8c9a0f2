"""The data sets by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dcanas.basics.registry import Registry

if TYPE_CHECKING:
    from dcanas.training.data import Dataset
    from dcanas.training.spec import DataSpec

datasets: Registry[Callable[[DataSpec, Path | None], Dataset]] = Registry("data set", {
    "digits": (
        "dcanas.training.digits:digits",
        "Handwritten digits 0 to 9, 8x8 grey; mirrored digits are not digits."),
    "folder": (
        "dcanas.training.folder:folder",
        "Any folder in torchvision's ImageFolder layout: data.root=<folder>; a class is named as its folder."),
    "arrays": (
        "dcanas.training.array_data:arrays",
        "Images and labels given in Python, `dcanas.run((images, labels))`; the run's directory keeps a copy."),
    "cifar10": (
        "dcanas.training.torchvision_sets:cifar10",
        "CIFAR-10: 60,000 images of 10 kinds of thing; data.root (default `data`) holds `cifar-10-batches-py`."),
    "cifar100": (
        "dcanas.training.torchvision_sets:cifar100",
        "CIFAR-100: 60,000 images of 100 kinds of thing; data.root (default `data`) holds `cifar-100-python`."),
    "fashion_mnist": (
        "dcanas.training.torchvision_sets:fashion_mnist",
        "Fashion-MNIST: 70,000 grey images of clothing, 10 kinds; data.root (`data`) holds `FashionMNIST/raw`."),
    "imagenet": (
        "dcanas.training.imagenet:imagenet",
        "ImageNet: photographs of 1,000 kinds of thing; data.root (default `data/imagenet`) holds `train` and `val`."),
    "imagenet16": (
        "dcanas.training.imagenet16:imagenet16",
        "ImageNet16: ImageNet at 16x16 pixels, data.classes=120 as in NAS-Bench-201; data.root holds `ImageNet16`."),
    "svhn": (
        "dcanas.training.torchvision_sets:svhn",
        "SVHN: 99,289 colour images of house numbers; data.root (`data`) holds `train_32x32.mat` and so on."),
    "tiny_imagenet": (
        "dcanas.training.tiny_imagenet:tiny_imagenet",
        "Tiny ImageNet: 110,000 photographs of 200 kinds of thing; data.root (`data`) holds `tiny-imagenet-200`."),
})


def load_data(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Return a data set and its splits; images that are kept decoded are read now, so that a bad file is named at once.

    Args:
        cache: folder for decoded images that do not fit in memory.

    Raises `UserError` for unknown names and unusable data.
    """
    return datasets[spec.name](spec, cache)
