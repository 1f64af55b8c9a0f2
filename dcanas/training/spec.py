"""What the user states about the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcanas.basics.errors import UserError

SMALLEST_SIDE, LARGEST_SIDE = 8, 1024  # pixels
SPLITS = ("nasbench201",)
_SOME_SETS = ("root", "group_by", "download", "split", "classes")  # options that only some data sets understand


@dataclass(frozen=True)
class DataSpec:
    """What the user states about the data (configuration group `data`); raises `UserError` for bad values.

    root: folder of the images (`folder`, `imagenet`), or folder that holds the archive's content (all other sets).
    size: side in pixels; None: the data's own.
    channels: 1 (grey) or 3 (RGB); None: the data's own.
    classes: keep the first so many classes (`imagenet16`); None: all.
    fraction: of the images of every class that are learnt from (train and the validation made of it); the test
        split keeps all of its images, and a smaller fraction is part of a larger one.
    split: a published split (`nasbench201`) in the place of our own.
    split_seed: decides splits and fraction, once per data set and independently of the run's seed.
    test_fraction: of all images, where the data has no test split of its own.
    validation_fraction: of what is not test, where the data has no validation split of its own.
    group_by: regular expression searched in each file's path below root; its first group (or the whole match)
        names the group, and images of one group stay in one split.
    download: fetch an archive that is missing, where torchvision can.
    """

    name: str = "digits"
    root: str | None = None
    size: int | None = None
    channels: int | None = None
    classes: int | None = None
    fraction: float = 1.0
    split: str | None = None
    split_seed: int = 0
    test_fraction: float = 0.2
    validation_fraction: float = 0.2
    group_by: str | None = None
    download: bool = False

    def __post_init__(self) -> None:
        for name in ("test_fraction", "validation_fraction"):
            if not 0 < _number(getattr(self, name)) < 1:
                raise UserError(f"data.{name} must lie between 0 and 1 (both excluded), got {getattr(self, name)!r}.")
        if not 0 < _number(self.fraction) <= 1:
            raise UserError(f"data.fraction must lie between 0 (excluded) and 1, got {self.fraction!r}.")
        if self.size is not None and not _is_whole(self.size, SMALLEST_SIDE, LARGEST_SIDE):
            raise UserError(f"data.size must be a whole number of pixels from {SMALLEST_SIDE} to "
                            f"{LARGEST_SIDE}, got {self.size!r}.")
        if self.channels not in (None, 1, 3):
            raise UserError(f"data.channels must be 1 (grey) or 3 (RGB), got {self.channels!r}.")
        if self.classes is not None and not _is_whole(self.classes, 2, 1000):
            raise UserError(f"data.classes must be a whole number from 2 to 1000, got {self.classes!r}.")
        if self.split is not None and self.split not in SPLITS:
            raise UserError(f"data.split must be {' or '.join(SPLITS)}, or null for our own, got {self.split!r}.")
        if not _is_whole(self.split_seed, 0, 2**63 - 1):
            raise UserError(f"data.split_seed must be a whole number from 0, got {self.split_seed!r}.")

    def allow(self, *names: str) -> None:
        """Raise `UserError` for options this data set does not understand; names: those it does."""
        for name in _SOME_SETS:
            if getattr(self, name) and name not in names:
                hint = " (data=folder is for one's own images)" if name in ("root", "group_by") else ""
                raise UserError(f"data.{name} means nothing for data={self.name}; leave it out{hint}.")


def _number(value: Any) -> float:
    """Return the number, or one that is in no range where `value` is none."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
