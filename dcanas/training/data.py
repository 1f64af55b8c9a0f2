"""Data sets as plain arrays with their splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.keys import key_of
from dcanas.basics.registry import Registry

datasets: Registry = Registry("data set")

SMALLEST_SIDE, LARGEST_SIDE = 8, 1024  # pixels
_CHUNK = 4096  # images read at once from an array that may lie on disk


@dataclass(frozen=True)
class DataSpec:
    """What the user states about the data (configuration group `data`); raises `UserError` for bad values.

    root: folder of the images (`folder`), or folder that holds the archive's content (`cifar10`, `cifar100`).
    size: side in pixels; None: the data's own.
    channels: 1 (grey) or 3 (RGB); None: the data's own.
    split_seed: decides the splits, once per data set and independently of the run's seed.
    test_fraction: of all images, where the data has no test split of its own.
    validation_fraction: of what is not test, where the data has no validation split of its own.
    group_by: regular expression searched in each file's path below root; its first group (or the whole match)
        names the group, and images of one group stay in one split.
    download: fetch a CIFAR archive that is missing.
    """

    name: str = "digits"
    root: str | None = None
    size: int | None = None
    channels: int | None = None
    split_seed: int = 0
    test_fraction: float = 0.2
    validation_fraction: float = 0.2
    group_by: str | None = None
    download: bool = False

    def __post_init__(self) -> None:
        for name in ("test_fraction", "validation_fraction"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
                raise UserError(f"data.{name} must lie between 0 and 1 (both excluded), got {value!r}.")
        if self.size is not None and not _is_whole(self.size, SMALLEST_SIDE, LARGEST_SIDE):
            raise UserError(f"data.size must be a whole number of pixels from {SMALLEST_SIDE} to "
                            f"{LARGEST_SIDE}, got {self.size!r}.")
        if self.channels not in (None, 1, 3):
            raise UserError(f"data.channels must be 1 (grey) or 3 (RGB), got {self.channels!r}.")
        if not _is_whole(self.split_seed, 0, 2**63 - 1):
            raise UserError(f"data.split_seed must be a whole number from 0, got {self.split_seed!r}.")

    def refuse(self, *names: str) -> None:
        """Raise `UserError` for options that mean nothing for this data set."""
        for name in names:
            if getattr(self, name):
                raise UserError(f"data.{name} means nothing for data={self.name}; leave it out "
                                f"(data=folder is for one's own images).")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, labels and three disjoint splits.

    Attributes:
        images: uint8 (N, C, H, W), in memory or on disk; labels: int64 (N,), index into `classes`.
        train, validation, test: indices into images, int64.
        preprocessing: what `infer.py` does to an image file to get the same pixels.
        flip: whether the mirror image of a sample is a likely sample.
    """

    name: str
    classes: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    preprocessing: dict[str, Any]
    flip: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def fit_indices(self) -> np.ndarray:
        """Everything that may be learnt from: train and validation."""
        return np.concatenate([self.train, self.validation])

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel over the training split, in [0, 1] units."""
        return self._moments[0]

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel over the training split, in [0, 1] units (at least 1/255)."""
        return self._moments[1]

    @cached_property
    def fit_key(self) -> str:
        """Hash of what search and training depend on: classes, pixels and labels of train and validation."""
        return key_of(self.classes, self.preprocessing, self.flip, self._digest(self.train),
                      self._digest(self.validation))

    @cached_property
    def test_key(self) -> str:
        """Hash of pixels and labels of the test split."""
        return key_of(self.classes, self._digest(self.test))

    @cached_property
    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        channels = self.shape[0]
        counts = np.zeros((channels, 256), dtype=np.int64)  # counted, not summed: exact in any order
        for chunk in self._chunks(self.train):
            for c in range(channels):
                counts[c] += np.bincount(chunk[:, c].ravel(), minlength=256)
        values = np.arange(256) / 255
        mean = counts @ values / counts.sum(axis=1)
        variance = counts @ values**2 / counts.sum(axis=1) - mean**2
        std = np.sqrt(np.maximum(variance, 1 / 255**2))
        return tuple(mean.tolist()), tuple(std.tolist())

    def _digest(self, indices: np.ndarray) -> str:
        """Hash of content and order, not of the positions: other splits may change around it."""
        digest = hashlib.sha256(str((len(indices), self.shape)).encode())
        digest.update(self.labels[indices].tobytes())
        for chunk in self._chunks(indices):
            digest.update(chunk.tobytes())
        return digest.hexdigest()

    def _chunks(self, indices: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(indices), _CHUNK):
            yield self.images[indices[start:start + _CHUNK]]


def load_data(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Read the data set and its splits; every image is read now, so that a bad one is named at once.

    cache: folder for decoded images that are too large for memory.
    Raises `UserError` for unknown names and unusable data.
    """
    return datasets[spec.name](spec, cache)


def preprocessing(size: tuple[int, int], channels: int) -> dict[str, Any]:
    """Return what turns an image file into the network's input; size: (H, W)."""
    return {"size": list(size), "channels": channels, "resample": "bilinear", "scale": 1 / 255}


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
