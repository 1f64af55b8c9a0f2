"""One's own images: a folder per class, with or without folders per split above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.data import Dataset, preprocessing
from dcanas.training.decode import probe
from dcanas.training.files import file_dataset
from dcanas.training.folder_files import list_folder
from dcanas.training.spec import LARGEST_SIDE, SMALLEST_SIDE, DataSpec

INFERRED_SIDE = 32  # pixels: larger images are scaled down unless data.size says otherwise
PROBED = 2_000  # headers that are read to describe the images of a folder


@dataclass(frozen=True)
class ImageFacts:
    """What the user's own images are like.

    Attributes:
        images: number of images, those of the test split included.
        shorter_side: in pixels, the median over the images that are learnt from.
        size: (H, W) in pixels of all of these; None if they differ.
    """

    images: int
    shorter_side: int
    size: tuple[int, int] | None


def folder(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Any folder in torchvision's ImageFolder layout: data.root=<folder>; a class is named as its folder."""
    listed = list_folder(spec)
    steps = _preprocessing(spec, *probe([listed.paths[i] for i in listed.known]))
    return file_dataset("folder", listed.classes, listed.paths, listed.labels, listed.parts, steps, cache)


def describe_folder(spec: DataSpec) -> ImageFacts:
    """Return what the folder `spec.root` is like, from the names of its files and the headers of some (`PROBED`).

    Test images decide nothing. Raises `UserError` as `list_folder` does, and for a file that is not an image.
    """
    listed = list_folder(spec)
    known = listed.known
    if len(known) > PROBED:
        known = known[np.linspace(0, len(known) - 1, PROBED).astype(np.int64)]  # spread evenly over the classes
    sizes, _ = probe([listed.paths[i] for i in known])
    return ImageFacts(len(listed.paths), _shorter_side(sizes), sizes[0] if len(set(sizes)) == 1 else None)


def inferred_side(shorter_side: int, most: int = INFERRED_SIDE) -> int:
    """Return the side in pixels to use for images whose median shorter side is known."""
    return max(SMALLEST_SIDE, min(shorter_side, most))


def _shorter_side(sizes: Sequence[tuple[int, int]]) -> int:
    return median_low(min(size) for size in sizes)


def _preprocessing(spec: DataSpec, sizes: Sequence[tuple[int, int]], grey: bool) -> dict[str, Any]:
    """Return the preprocessing; what is left open is inferred from train and validation, never from test."""
    size = sizes[0]
    if spec.size is not None or len(set(sizes)) > 1:
        side = spec.size or inferred_side(_shorter_side(sizes))
        size = (side, side)
    elif not SMALLEST_SIDE <= min(size) <= max(size) <= LARGEST_SIDE:
        raise UserError(f"The images of {spec.root} are {size[0]}x{size[1]} pixels, but sides go from "
                        f"{SMALLEST_SIDE} to {LARGEST_SIDE}; state one with data.size=.")
    return preprocessing(size, spec.channels or (1 if grey else 3))
