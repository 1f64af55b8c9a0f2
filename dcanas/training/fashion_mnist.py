"""Fashion-MNIST (Xiao et al., 2017, arXiv 1708.07747): 28x28 grey, 60,000 + 10,000 images, read by torchvision."""

from __future__ import annotations

from pathlib import Path

from dcanas.training.arrays import Normalisation, fetch, from_arrays
from dcanas.training.data import Dataset
from dcanas.training.spec import DataSpec

NORMALISATION: Normalisation = ((0.2860,), (0.3530,))  # of all training pixels, as the field's recipes have them


def fashion_mnist(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Fashion-MNIST: 70,000 grey images of clothing, 10 kinds; data.root (`data`) holds `FashionMNIST/raw`."""
    spec.allow("root", "download")
    learnt, tested = fetch(spec, "FashionMNIST", ({"train": True}, {"train": False}), "FashionMNIST/raw", 30)
    return from_arrays(spec, tuple(learnt.classes), (learnt.data.numpy()[:, None], learnt.targets.numpy()),
                       (tested.data.numpy()[:, None], tested.targets.numpy()), flip=True, normalisation=NORMALISATION)
