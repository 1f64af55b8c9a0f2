"""Images and labels that a Python program gives: arrays, a dictionary of splits, or a torch `Dataset`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.export.infer import fit

Pair = tuple[np.ndarray, np.ndarray]  # images, uint8 (N, H, W, C), and labels, int64 or text (N,)

SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
CHANNELS = (1, 3)
ROUNDING = 1e-4  # by which floats may leave [0, 1]: rounding to 8 bits takes it away
_WANTED = "(images, labels), a dictionary of such pairs by split, or a torch Dataset"


def read_splits(data: Any) -> dict[str, Pair]:
    """Return images and labels of each split that was given; of `train` alone if the images have still to be split.

    They are in the order train, validation, test, whatever the order in which they were given.

    Args:
        data: (images, labels), see `as_pixels` and `as_labels`; an object with a length whose items are pairs of an
            image and a label, such as a torch `Dataset`, which is read once in order; or one of these for each of
            `train`, `val` and `test`, of which only `train` is necessary.

    Raises:
        UserError: anything is not as it should be, in one sentence.
    """
    if not isinstance(data, Mapping):
        return {"train": _read_pair(data, "")}
    for name in data:
        if name not in SPLITS:
            raise unknown("split", str(name), ("train", "val", "test"))
    if "train" not in data:
        raise UserError("The data lack the split 'train', which is learnt from.")
    given = {SPLITS[name]: _read_pair(value, f" of {name}") for name, value in data.items()}
    return {name: given[name] for name in dict.fromkeys(SPLITS.values()) if name in given}


def as_pixels(images: Any, of: str = "") -> np.ndarray:
    """Return images as uint8 (N, H, W, C).

    Args:
        images: uint8, or floats in [0, 1], which are rounded to 8 bits; (N, H, W) or (N, H, W, C) with 1 or 3 channels.
        of: what the images are of, for messages.

    Raises:
        UserError: another type or shape, no images, NaN, or values out of range.
    """
    values = _as_array(images, f"The images{of}")
    shape = values.shape
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[-1] not in CHANNELS:
        first = values.ndim == 4 and values.shape[1] in CHANNELS
        raise UserError(f"The images{of} must have the shape (N, H, W) or (N, H, W, C) with 1 or 3 channels, got "
                        f"{shape}{'; put the channels last: images.transpose(0, 2, 3, 1)' if first else ''}.")
    if not values.size:
        raise UserError(f"The images{of} are none: their shape is {shape}.")
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype.kind != "f":
        raise UserError(f"The images{of} must be uint8, or floats in [0, 1], got {values.dtype}; if they hold 0 to "
                        "255, give images.astype('uint8').")
    low, high = float(values.min()), float(values.max())
    if np.isnan(low):
        raise UserError(f"The images{of} hold NaN; replace it.")
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise UserError(f"The images{of} are floats, which must be in [0, 1], got {low:g} to {high:g}; scale them, or "
                        "give them as uint8.")
    return np.rint(values * 255).astype(np.uint8)


def as_labels(labels: Any, count: int, of: str = "") -> np.ndarray:
    """Return labels as int64 or text (N,).

    Args:
        labels: integers or texts, one for each image.
        count: of the images.
        of: what the labels are of, for messages.

    Raises:
        UserError: another type, shape or number.
    """
    values = _as_array(labels, f"The labels{of}")
    if values.ndim != 1:
        raise UserError(f"The labels{of} must have the shape (N,), one for each image, got {values.shape}"
                        f"{'; of one-hot labels give labels.argmax(1)' if values.ndim == 2 else ''}.")
    if len(values) != count:
        raise UserError(f"There are {count} images{of}, but {len(values)} labels; give one for each image.")
    if all(isinstance(value, str) for value in values.tolist()):  # of pandas as objects
        values = values.astype(str)
    elif values.dtype.kind in "iu" and int(values.max()) <= np.iinfo(np.int64).max:
        return values.astype(np.int64)
    else:
        raise UserError(f"The labels{of} must be integers of at most 64 bits, or all be texts, got {values.dtype}.")
    for name in np.unique(values).tolist():
        if name.splitlines() != [name]:
            raise UserError(f"The labels{of} name a class {name!r}; a name is one line of text that is not empty.")
    return values


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2


def _read_pair(value: Any, of: str) -> Pair:
    images, labels = value if _is_pair(value) else _read_items(value, of)
    pixels = as_pixels(images, of)
    if np.asarray(images).dtype.kind == "f":
        warnings.warn(f"The images{of} are floats and were rounded to 8 bits.", stacklevel=2)
    return pixels, as_labels(labels, len(pixels), of)


def _read_items(dataset: Any, of: str) -> tuple[np.ndarray, list[Any]]:
    """Return the images and the labels of a torch `Dataset`, in order."""
    if isinstance(dataset, (str, bytes, tuple, np.ndarray)) or not (
            hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise UserError(f"The data{of} must be {_WANTED}, got {type(dataset).__name__}.")
    if not len(dataset):
        raise UserError(f"The data{of} are empty.")
    images, labels = [], []
    for number in range(len(dataset)):
        item = dataset[number]
        if not _is_pair(item):
            raise UserError(f"Item {number} of the data{of} must be a pair of an image and a label, got "
                            f"{type(item).__name__}; the data must be {_WANTED}.")
        images.append(_image(item[0]))
        labels.append(item[1].item() if hasattr(item[1], "item") else item[1])
        if images[-1].shape != images[0].shape:
            raise UserError(f"Image {number} of the data{of} has the shape {images[-1].shape}, the first "
                            f"{images[0].shape}; give them one size, as torchvision's Resize and CenterCrop do.")
    return np.stack(images), labels


def _image(image: Any) -> np.ndarray:
    """Return one image as (H, W) or (H, W, C): of a tensor (C, H, W), an array or Pillow's own."""
    if hasattr(image, "permute"):
        return np.asarray(image.permute(1, 2, 0) if image.ndim == 3 else image)
    if hasattr(image, "convert"):
        grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I")
        steps = {"size": (image.height, image.width), "channels": 1 if grey else 3, "resample": "bilinear"}
        return fit(image, steps).transpose(1, 2, 0)
    return np.asarray(image)


def _as_array(values: Iterable[Any], what: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except Exception as error:  # lists of differing lengths, tensors on another device: each library has its own
        raise UserError(f"{what} cannot be read as one array ({' '.join(str(error).split())}).") from error
