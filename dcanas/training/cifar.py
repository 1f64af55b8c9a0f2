"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): 32x32 RGB, 50,000 + 10,000 images, read by torchvision."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.data import Dataset, DataSpec, datasets, preprocessing
from dcanas.training.splits import split


@datasets.add
def cifar10(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """CIFAR-10; data.root (default `data`) holds `cifar-10-batches-py`."""
    return _load(spec, "CIFAR10")


@datasets.add
def cifar100(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """CIFAR-100; data.root (default `data`) holds `cifar-100-python`."""
    return _load(spec, "CIFAR100")


def _load(spec: DataSpec, kind: str) -> Dataset:
    from torchvision import datasets as published

    from dcanas.training.decode import refit  # here, for it brings torch with it

    spec.refuse("group_by")
    source = getattr(published, kind)
    root = Path(spec.root or "data").expanduser()
    try:  # torchvision compares every file with its published checksum before it opens it
        halves = [source(root, train=train, download=spec.download) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        expected = root / source.base_folder
        if spec.download:
            raise UserError(f"{kind} could not be downloaded to {root} ({error}); fetch {source.filename} by "
                            f"other means and unpack it so that {expected} exists.") from error
        raise UserError(f"{kind} is not at {expected}, or not whole; set data.root to the folder that holds "
                        f"{source.base_folder}, or data.download=true to fetch it (170 MB).") from error
    images = np.concatenate([half.data for half in halves]).transpose(0, 3, 1, 2)
    labels = np.concatenate([half.targets for half in halves]).astype(np.int64)
    learnt, side = np.arange(len(halves[0].data)), spec.size or 32
    steps = preprocessing((side, side), spec.channels or 3)
    classes = tuple(halves[0].classes)
    shares = {"train": 1 - spec.validation_fraction, "validation": spec.validation_fraction}
    parts = split(labels[learnt], shares, {"train": 2, "validation": 1}, classes, spec.split_seed)
    return Dataset(spec.name, classes, np.ascontiguousarray(refit(images, steps)), labels, **parts,
                   test=np.arange(len(learnt), len(labels)), preprocessing=steps, flip=True)
