"""One's own images: which files there are, what they hold, and how they become a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.copies import Divided, divide
from dcanas.training.data import Dataset, preprocessing
from dcanas.training.depth import white
from dcanas.training.files import file_dataset
from dcanas.training.folder_files import Listing, list_folder
from dcanas.training.own_splits import complete_splits
from dcanas.training.pictures import Pictures, bad_files, examine
from dcanas.training.spec import LARGEST_SIDE, SMALLEST_SIDE, DataSpec
from dcanas.training.understood import make_report

INFERRED_SIDE = 32  # pixels: larger images are scaled down unless data.size says otherwise
PROBED = 2_000  # images whose sizes describe those of a folder


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


@dataclass(frozen=True)
class Opened:
    """The sound image files of a folder, what they hold and their splits.

    Attributes:
        bad: files that were left out (`data.skip_bad`), those of them that the user put into test, and the sentence
            that names them.
    """

    listed: Listing
    pictures: Pictures
    divided: Divided
    bad: tuple[int, int, str]

    @property
    def known(self) -> np.ndarray:
        """Positions of the images that may be learnt from: train and validation, in order."""
        return np.sort(np.concatenate([self.divided.parts["train"], self.divided.parts["validation"]]))


def open_folder(spec: DataSpec) -> Opened:
    """Return what is in the folder `spec.root`; every file is read.

    Raises `UserError` as `list_folder` does, for bad files unless they are left out, and for classes with too few
    different pictures.
    """
    listed, pictures, bad = _sound_files(spec)
    divided = divide(spec, listed.classes, listed.labels, listed.owner, pictures.copy_of, listed.groups)
    return Opened(listed, pictures, divided, bad)


def _sound_files(spec: DataSpec) -> tuple[Listing, Pictures, tuple[int, int, str]]:
    """Return the files that can be read, what they hold, and what was left out (see `Opened`)."""
    listed = list_folder(spec)
    pictures = examine(listed.paths)
    bad = (0, 0, "")
    if pictures.errors:
        text = bad_files(listed.paths, pictures)
        several = len(pictures.errors) > 1
        if not spec.skip_bad:
            raise UserError(f"{text}; repair or remove {'them' if several else 'it'}, or set data.skip_bad=true.")
        sound = np.setdiff1d(np.arange(len(listed.paths)), list(pictures.errors))
        bad = (len(pictures.errors), int((listed.owner[list(pictures.errors)] == "test").sum()), text)
        for part in np.unique(listed.owner):
            for label, name in enumerate(listed.classes):
                if not ((listed.labels[sound] == label) & (listed.owner[sound] == part)).any():
                    raise UserError(f"Class {name!r} of {listed.root} has only unreadable images in {part}: {text}; "
                                    "repair them or remove the class.")
        listed, pictures = listed.at(sound), pictures.at(sound)
    return listed, pictures, bad


def folder(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Any folder in torchvision's ImageFolder layout: data.root=<folder>; a class is named as its folder."""
    opened = open_folder(spec)
    listed, pictures, known = opened.listed, opened.pictures, opened.known
    steps = _preprocessing(spec, list(map(tuple, pictures.sizes[known].tolist())), bool(pictures.grey[known].all()))
    depth = white(spec, pictures, known, opened.divided.parts["test"], listed.paths)
    if depth is not None:
        steps["max_value"] = depth["max_value"]
    dataset = file_dataset("folder", listed.classes, listed.paths, listed.labels, opened.divided.parts, steps, cache)
    from dcanas.training.mirror import without_mirrors  # here: it takes torch, which describing a folder does not

    return without_mirrors(replace(dataset, report=make_report(listed, pictures, opened.divided, opened.bad, depth,
                                                               steps)))


def describe_folder(spec: DataSpec) -> ImageFacts:
    """Return what the folder `spec.root` is like, before copies are found in it; test images decide nothing.

    Raises `UserError` as `list_folder` does, for bad files unless they are left out, and for small classes.
    """
    listed, pictures, _ = _sound_files(spec)
    parts = complete_splits(spec, listed.classes, listed.labels, listed.owner, listed.groups)
    known = np.sort(np.concatenate([parts["train"], parts["validation"]]))
    if len(known) > PROBED:
        known = known[np.linspace(0, len(known) - 1, PROBED).astype(np.int64)]  # spread evenly over the classes
    sizes = list(map(tuple, pictures.sizes[known].tolist()))
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
