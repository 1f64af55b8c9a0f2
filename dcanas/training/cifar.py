"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): 32x32 RGB, 50,000 + 10,000 images, read by torchvision."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcanas.training.arrays import Normalisation, fetch, from_arrays
from dcanas.training.data import Dataset
from dcanas.training.spec import DataSpec

# Mean and deviation of all training pixels: as in the code of DARTS for CIFAR-10, rounded for CIFAR-100 as in that of
# NAS-Bench-201 (129.3, 124.1, 112.4 and 68.2, 65.4, 70.4 of 255).
CIFAR10: Normalisation = ((0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768))
CIFAR100: Normalisation = ((129.3 / 255, 124.1 / 255, 112.4 / 255), (68.2 / 255, 65.4 / 255, 70.4 / 255))


def cifar10(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """CIFAR-10: 60,000 images of 10 kinds of thing; data.root (default `data`) holds `cifar-10-batches-py`."""
    return _load(spec, "CIFAR10", "cifar-10-batches-py", 170, CIFAR10)


def cifar100(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """CIFAR-100: 60,000 images of 100 kinds of thing; data.root (default `data`) holds `cifar-100-python`."""
    return _load(spec, "CIFAR100", "cifar-100-python", 169, CIFAR100)


def _load(spec: DataSpec, kind: str, inside: str, megabytes: int, normalisation: Normalisation) -> Dataset:
    spec.allow("root", "download", "split")
    # torchvision compares every file with its published checksum before it opens it
    learnt, tested = fetch(spec, kind, ({"train": True}, {"train": False}), inside, megabytes)
    return from_arrays(spec, tuple(learnt.classes), (learnt.data.transpose(0, 3, 1, 2), np.array(learnt.targets)),
                       (tested.data.transpose(0, 3, 1, 2), np.array(tested.targets)), flip=True,
                       normalisation=normalisation)
