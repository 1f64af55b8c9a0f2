"""Data sets as plain arrays with their splits."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from dcanas.basics.keys import key_of

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]  # mean and deviation of each channel, in [0, 1] units

_KEPT_BYTES = 2 << 30  # of images of all sizes that are kept in memory
_CHUNK = 1024  # images read at once from what may lie on disk
_SAMPLE = 10_000  # images whose mean and deviation stand for those of all if each has to be decoded


class Images(Protocol):
    """Images uint8 (N, C, H, W) in memory, on disk or decoded on demand: `images[indices]` returns (n, C, H, W).

    If they have a method `fingerprint(indices) -> str`, it stands for the pixels, which then need not be decoded to be
    hashed.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> Any: ...

    def __getitem__(self, indices: Any, /) -> Any: ...


class Originals:
    """What images of any size are made from: files, or arrays.

    `originals(preprocessing, indices)` returns these images; `all` keeps what it made last.

    Args:
        make: returns images (indices) by a preprocessing.
        files: whether they come from image files.
    """

    def __init__(self, make: Callable[[dict[str, Any], np.ndarray], Images], files: bool = False):
        self._make, self.files = make, files
        self._kept: dict[str, Images] = {}

    def __call__(self, steps: dict[str, Any], indices: np.ndarray) -> Images:
        return self._make(steps, indices)

    def all(self, steps: dict[str, Any], everything: np.ndarray) -> Images:
        """Return all images; of those made before, the latest are kept in memory, up to `_KEPT_BYTES`."""
        key = key_of(steps)
        images = self._kept.pop(key) if key in self._kept else self._make(steps, everything)
        self._kept[key] = images
        while len(self._kept) > 1 and sum(map(_memory, self._kept.values())) > _KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
        return images


def _memory(images: Images) -> int:
    return images.nbytes if type(images) is np.ndarray else 0  # others lie on disk


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, labels and three disjoint splits.

    Attributes:
        images: uint8 (N, C, H, W), see `Images`; labels: int64 (N,), index into `classes`.
        train, validation, test: indices into images, int64.
        preprocessing: what `infer.py` does to an image file to get the same pixels.
        flip: whether the mirror image of a sample is a likely sample.
        normalisation: the set's published (mean, deviation) of each channel in [0, 1] units; None: computed.
        learn_validation: whether the final training may learn from validation, too (not if a published
            split keeps it apart from the training images).
        integer_labels: whether the names of the classes are integers that were given as labels.
        copies: indices of test images whose pixels are also learnt from or tested already: they do not count.
        report: what was understood of one's own images, as JSON types (see `dcanas.training.understood`).
        refitted: makes images of any size from their files or original arrays; None: `images` are the originals.
    """

    name: str
    classes: tuple[str, ...]
    images: Images
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    preprocessing: dict[str, Any]
    flip: bool
    normalisation: Normalisation | None = None
    learn_validation: bool = True
    integer_labels: bool = False
    refitted: Originals | None = None
    copies: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def at(self, size: tuple[int, int]) -> Dataset:
        """Return the same data set with images of (H, W) pixels, made from the originals, never from another size.

        Labels and splits are the same.
        """
        if size == self.shape[1:]:
            return self
        steps = resized(self.preprocessing, size)
        everything = np.arange(len(self.labels))
        images = self.refitted.all(steps, everything) if self.refitted else refit(self.images[everything], steps)
        return replace(self, images=images, preprocessing=steps)

    def prepared_ms(self, indices: np.ndarray) -> float | None:
        """Return the median over images of the milliseconds that it takes to make one from its file; None: there are no
        files."""
        if self.refitted is None or not self.refitted.files:
            return None
        times = []
        for index in indices:
            start = time.perf_counter()
            self.refitted(self.preprocessing, np.array([index]))
            times.append(time.perf_counter() - start)
        return 1000 * float(np.median(times))

    @property
    def fit_indices(self) -> np.ndarray:
        """Everything that the final training may learn from: train and, as a rule, validation."""
        return np.concatenate([self.train, self.validation]) if self.learn_validation else self.train

    @cached_property
    def fit_key(self) -> str:
        """Hash of what search and training depend on: classes, pixels and labels of train and validation."""
        published = () if self.normalisation is None else (self.normalisation,)
        apart = () if self.learn_validation else ("validation is not learnt from",)
        return key_of(self.classes, self.preprocessing, self.flip, self._digest(self.train),
                      self._digest(self.validation), *published, *apart)

    @cached_property
    def test_key(self) -> str:
        """Hash of pixels and labels of the test split."""
        copies = (self._digest(self.copies),) if len(self.copies) else ()
        return key_of(self.classes, self._digest(self.test), *copies)

    @cached_property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation (at least 1/255) of each channel in [0, 1] units: published, or of the training split.

        They are exact in any order, since values are counted, not summed.
        If images are decoded on demand, `_SAMPLE` of them, spread evenly over the training split, stand for all.
        """
        if self.normalisation is not None:
            return self.normalisation
        channels, seen = self.shape[0], self.train
        if hasattr(self.images, "fingerprint") and len(seen) > _SAMPLE:
            seen = seen[np.linspace(0, len(seen) - 1, _SAMPLE).astype(np.int64)]
        counts = np.zeros((channels, 256), dtype=np.int64)
        for chunk in self._chunks(seen):
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
        if hasattr(self.images, "fingerprint"):
            digest.update(self.images.fingerprint(indices).encode())
            return digest.hexdigest()
        for chunk in self._chunks(indices):
            digest.update(chunk.tobytes())
        return digest.hexdigest()

    def _chunks(self, indices: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(indices), _CHUNK):
            yield self.images[indices[start:start + _CHUNK]]


def refit_some(images: np.ndarray, preprocessing: dict[str, Any], indices: np.ndarray) -> np.ndarray:
    """Return `images[indices]` refitted (see `refit`), in a layout of their own."""
    return np.ascontiguousarray(refit(images[indices], preprocessing))


def refit(images: np.ndarray, preprocessing: dict[str, Any]) -> np.ndarray:
    """Return uint8 images (N, C, H, W) in another size or number of channels, resampled as `infer.py` does it."""
    if images.shape[1:] == (preprocessing["channels"], *preprocessing["size"]):
        return images
    from PIL import Image

    from dcanas.export.infer import fit

    layout = images[:, 0] if images.shape[1] == 1 else np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return np.stack([fit(Image.fromarray(image), preprocessing) for image in layout])


def resized(steps: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Return a preprocessing (see `preprocessing`) for another size (H, W); what is cropped keeps its proportion."""
    found = {**steps, "size": list(size)}
    return found if "resize" not in steps else {
        **found, "resize": round(steps["resize"] * min(size) / min(steps["size"]))}


def preprocessing(size: tuple[int, int], channels: int, resize: int | None = None) -> dict[str, Any]:
    """Return the steps that turn an image file into the network's input, as `infer.py` reads them.

    Args:
        size: (H, W) in pixels.
        channels: 1 (grey) or 3 (RGB).
        resize: length of the shorter side, in pixels, before the centre of `size` is cropped; None: the largest centred
            box of the wanted aspect ratio is resized to `size`.
    """
    steps = {"size": list(size), "channels": channels, "resample": "bilinear", "scale": 1 / 255}
    return steps if resize is None else {**steps, "resize": resize}
