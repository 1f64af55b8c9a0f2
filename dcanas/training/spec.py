"""What the user states about the data."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.errors import UserError
from dcanas.basics.fields import Checked, choice, number, setting

SMALLEST_SIDE, LARGEST_SIDE = 8, 1024  # pixels
SPLITS = ("nasbench201",)
LAYOUTS = ("auto", "classes", "splits")
_SOME_SETS = ("root", "group_by", "download", "split", "classes")  # options that only some data sets understand


@dataclass(frozen=True)
class DataSpec(Checked):
    """What the user states about the data (configuration group `data`).

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    group = "data"
    name: str = setting("digits", "name of the data set")
    root: str | None = setting(None, "folder of the images, or the folder that holds a published set's files")
    size: int | None = number(None, SMALLEST_SIDE, LARGEST_SIDE, "side of the images in pixels; null: their own")
    channels: int | None = choice(None, (1, 3), "1 (grey) or 3 (RGB); null: the images' own")
    classes: int | None = number(None, 2, 1000, "keep the first so many classes (imagenet16); null: all")
    fraction: float = number(1.0, 1e-6, 1, "share of every class's images that is learnt from; the test split stays "
                                           "whole, and a smaller fraction is part of a larger one")
    split: str | None = choice(None, SPLITS, "a published split (its file is in root); null: ours, by split_seed")
    split_seed: int = number(0, 0, None, "decides the splits and the fraction, independently of the run's seed")
    test_fraction: float = number(0.2, 1e-6, 0.999999, "share of all images, if the data has no test split")
    validation_fraction: float = number(0.2, 1e-6, 0.999999, "share of the remaining images, if the data has no "
                                                             "validation split")
    group_by: str | None = setting(None, "regular expression searched in file paths below root: images with the same "
                                         "first group (or match) stay in one split")
    layout: str = choice("auto", LAYOUTS, "classes: a folder per class; splits: folders per split, too; auto: found by "
                                          "their names", name=("folder",))
    test_folder: str | None = setting(None, "folder in root whose images are tested; those of the others are learnt "
                                            "from", name=("folder",))
    labels: str | None = setting(None, "CSV file of the images' labels, if these are in no class folders",
                                 name=("folder",))
    labels_columns: tuple[str, ...] = setting((), "[FILE,CLASS] or [FILE,CLASS,SPLIT]: its columns; []: found by their "
                                                  "names", name=("folder",))
    skip_bad: bool = setting(False, "leave out image files that cannot be read", name=("folder",))
    max_value: float | None = number(None, 1e-9, 1e9, "value of white in images of more than 8 bits; null: the largest "
                                                      "of 8, 10, 12, 14 or 16 bits, as the training images need",
                                     name=("folder",))
    download: bool = setting(False, "fetch a missing archive, if torchvision can")
    fingerprint: str | None = setting(None, "hash of the images and labels that a Python program gave",
                                      name=("arrays",))

    def allow(self, *names: str) -> None:
        """Raise `UserError` for options this data set does not understand; names: those it does."""
        for name in _SOME_SETS:
            if getattr(self, name) and name not in names:
                hint = " (data=folder is for one's own images)" if name in ("root", "group_by") else ""
                raise UserError(f"data.{name} means nothing for data={self.name}; leave it out{hint}.")
