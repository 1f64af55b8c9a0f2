"""Data sets of small images that are published as arrays, in a part to learn from and a part to test on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path
from dcanas.training.data import Dataset, Normalisation, Originals, preprocessing, refit, refit_some
from dcanas.training.nasbench201_splits import published_split
from dcanas.training.own_splits import complete_splits
from dcanas.training.spec import DataSpec
from dcanas.training.splits import thin


def data_root(spec: DataSpec) -> Path:
    """Return the folder that holds the published archives' content: `data.root`, or `data`."""
    return typed_path(spec.root or "data")


def from_arrays(spec: DataSpec, classes: tuple[str, ...], learnt: tuple[np.ndarray, np.ndarray],
                tested: tuple[np.ndarray, np.ndarray], flip: bool, normalisation: Normalisation) -> Dataset:
    """Return the data set of these images and labels, split as `spec` says.

    Args:
        classes: names, in the order of the labels.
        learnt: images to learn from, uint8 (N, C, H, W), and their labels, int (N,).
        tested: the same of the images to test on.
        flip: whether the mirror image of a sample is a likely sample.
        normalisation: published constants; they apply to the published number of channels only.

    Raises `UserError` if the labels do not fit the images or the classes.
    """
    for images, labels in (learnt, tested):
        if len(images) != len(labels):
            raise UserError(f"{spec.name} has {len(images)} images but {len(labels)} labels in one of its files; get "
                            "the archive again.")
        if not len(labels) or labels.min() < 0 or labels.max() >= len(classes):
            found = f"from {labels.min()} to {labels.max()}" if len(labels) else "none"
            raise UserError(f"{spec.name} has {len(classes)} classes, so labels go from 0 to {len(classes) - 1}, but "
                            f"its files hold {found}; get the archive again.")
    first = len(learnt[0])
    images = np.concatenate([learnt[0], tested[0]])
    labels = np.concatenate([learnt[1], tested[1]]).astype(np.int64)
    parts = _parts(spec, labels, first, classes)
    side = spec.size or images.shape[2]
    steps = preprocessing((side, side), spec.channels or images.shape[1])
    return Dataset(spec.name, classes, np.ascontiguousarray(refit(images, steps)), labels, parts["train"],
                   parts["validation"], parts["test"], preprocessing=steps, flip=flip,
                   normalisation=normalisation if len(normalisation[0]) == steps["channels"] else None,
                   learn_validation=bool(parts["validation"].max() < first),
                   refitted=Originals(partial(refit_some, images)))


def _parts(spec: DataSpec, labels: np.ndarray, first: int, classes: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return positions in `labels`, of which those of the test images begin at `first`."""
    if spec.split is None:
        return complete_splits(spec, classes, labels, np.where(np.arange(len(labels)) < first, "train", "test"))
    parts = published_split(spec.name, data_root(spec), first, len(labels) - first)
    for name, least in (("train", 2), ("validation", 1)):
        if parts[name].max() < first:  # a validation split that is published apart stays whole, as the test split does
            parts[name] = thin(labels, parts[name], spec.fraction, least, spec.split_seed)
    return parts
