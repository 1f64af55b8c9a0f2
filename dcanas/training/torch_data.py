"""A torch `Dataset` as a data set of a run, for plug-ins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dcanas.training.array_data import array_dataset
from dcanas.training.array_input import read_splits
from dcanas.training.data import Dataset
from dcanas.training.spec import DataSpec


def from_torch(spec: DataSpec, data: Any) -> Dataset:
    """Return a data set of images and labels that torch's `Dataset`s hold; splits that are missing come out of `train`.

    Args:
        spec: what the user states about the data, which a registered data set is called with.
        data: a torch `Dataset` whose items are pairs of an image and a label, which is read once in order; or a
            dictionary of such for `train`, `val` and `test`, of which only `train` is necessary. Images have one size:
            tensors float (C, H, W) in [0, 1] or uint8, arrays (H, W, C), or Pillow's.

    Raises:
        UserError: the items are not such pairs, or cannot be a data set.
    """
    return replace(array_dataset(spec, read_splits(data)), name=spec.name)
