"""Sets of small images that torchvision reads: CIFAR, Fashion-MNIST and SVHN.

torchvision compares the files of CIFAR and SVHN with their published checksums before it opens them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.arrays import data_root, from_arrays
from dcanas.training.data import Dataset, Normalisation
from dcanas.training.spec import DataSpec

# Mean and standard deviation of all training pixels, as the field's recipes have them: CIFAR-10 as in the code of
# DARTS, CIFAR-100 as in that of NAS-Bench-201 (129.3, 124.1, 112.4 and 68.2, 65.4, 70.4 of 255).
CIFAR10: Normalisation = ((0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768))
CIFAR100: Normalisation = ((129.3 / 255, 124.1 / 255, 112.4 / 255), (68.2 / 255, 65.4 / 255, 70.4 / 255))
FASHION_MNIST: Normalisation = ((0.2860,), (0.3530,))
SVHN: Normalisation = ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970))


def cifar10(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """CIFAR-10: 60,000 images of 10 kinds of thing; data.root (default `data`) holds `cifar-10-batches-py`.

    32x32 RGB, 50,000 + 10,000 images (Krizhevsky, 2009).
    """
    return _read(spec, "CIFAR10", "cifar-10-batches-py", 170, CIFAR10, ("split",))


def cifar100(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """CIFAR-100: 60,000 images of 100 kinds of thing; data.root (default `data`) holds `cifar-100-python`.

    32x32 RGB, 50,000 + 10,000 images (Krizhevsky, 2009).
    """
    return _read(spec, "CIFAR100", "cifar-100-python", 169, CIFAR100, ("split",))


def fashion_mnist(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Fashion-MNIST: 70,000 grey images of clothing, 10 kinds; data.root (`data`) holds `FashionMNIST/raw`.

    28x28 grey, 60,000 + 10,000 images (Xiao et al., 2017, arXiv 1708.07747).
    """
    return _read(spec, "FashionMNIST", "FashionMNIST/raw", 30, FASHION_MNIST)


def svhn(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """SVHN: 99,289 colour images of house numbers; data.root (`data`) holds `train_32x32.mat` and so on.

    Street View House Numbers (Netzer et al., 2011), cropped digits: 32x32 RGB, 73,257 + 26,032 images.
    """
    return _read(spec, "SVHN", "train_32x32.mat", 246, SVHN, halves=({"split": "train"}, {"split": "test"}),
                 flip=False)  # mirrored digits are not digits


def _read(spec: DataSpec, kind: str, inside: str, megabytes: int, normalisation: Normalisation,
          options: Sequence[str] = (), halves: Sequence[Mapping[str, Any]] = ({"train": True}, {"train": False}),
          flip: bool = True) -> Dataset:
    """Return torchvision's data set as ours.

    Args:
        kind: name of the class in `torchvision.datasets`.
        inside: what `data.root` must contain.
        megabytes: size of the download.
        options: options of the set beside `root` and `download`.
        halves: keyword arguments for the images to learn from and those to test on.

    Raises `UserError` that says where a missing set should lie and how to get it.
    """
    from torchvision import datasets as published

    spec.allow("root", "download", *options)
    source, root = getattr(published, kind), data_root(spec)
    try:
        learnt, tested = (source(root, download=spec.download, **half) for half in halves)
    except (RuntimeError, OSError, ValueError, AssertionError, IndexError) as error:  # of damaged files, too
        if spec.download:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{kind} could not be downloaded to {root} ({reason}); fetch it by other means so that "
                            f"{root / inside} exists.") from error
        raise UserError(f"{kind} is not at {root / inside}, or not whole; set data.root to the folder that holds "
                        f"{inside}, or data.download=true to fetch it ({megabytes} MB).") from error
    classes = getattr(learnt, "classes", "0123456789")
    return from_arrays(spec, tuple(classes), _arrays(learnt), _arrays(tested), flip, normalisation)


def _arrays(half: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 (N, C, H, W) and labels (N,)."""
    images = np.asarray(half.data)  # (N, H, W), (N, H, W, 3) or (N, 3, H, W)
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[3] == 3:
        images = images.transpose(0, 3, 1, 2)
    return images, np.asarray(half.labels if hasattr(half, "labels") else half.targets)
