"""The data set `arrays`: images and labels given in Python, of which the run directory keeps a copy."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from dcanas.basics.array_file import FAULTS, require_as_said
from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.training.array_input import Pair
from dcanas.training.copies import divide, first_of_kind
from dcanas.training.copies import fingerprint as fingerprint_of
from dcanas.training.data import Dataset, Originals, preprocessing, refit, refit_some
from dcanas.training.folder import ImageFacts
from dcanas.training.spec import LARGEST_SIDE, SMALLEST_SIDE, DataSpec

KINDS = {"i": "integers", "U": "texts"}


def arrays(spec: DataSpec, cache: Path | None = None) -> Dataset:
    """Images and labels given in Python, `dcanas.run((images, labels))`; the run's directory keeps a copy."""
    if spec.fingerprint is None or cache is None:
        raise UserError("data=arrays are images and labels given in Python; call dcanas.run((images, labels), ...).")
    path = _file(cache, spec.fingerprint)
    try:
        require_as_said(path, path.stat().st_size)  # it is not compressed
        with np.load(path, allow_pickle=False) as stored:
            names = [name for name in ("train", "validation", "test") if f"{name}_images" in stored]
            splits = {name: (stored[f"{name}_images"], stored[f"{name}_labels"]) for name in names}
    except FAULTS as error:
        raise UserError(f"The images of this run were given in Python, and their copy {path} is missing or damaged; "
                        "call dcanas.run with the same images, labels and settings again.") from error
    return array_dataset(spec, splits)


def array_dataset(spec: DataSpec, splits: Mapping[str, Pair]) -> Dataset:
    """Return the data set of these images and labels; splits that are missing come out of `train`, stratified.

    Args:
        splits: `train`, and `validation` and `test` if there are such: images, uint8 (N, H, W, C), and labels (N,).

    Raises:
        UserError: fewer than two classes, a class without images to learn from, images of differing sizes, or of a
            size that is not allowed.
    """
    spec.allow()
    labels = _joined_labels(splits)
    classes = np.unique(splits["train"][1])
    if len(classes) < 2:
        raise UserError(f"All labels are {classes[0]}; at least two classes are needed.")
    stray = np.setdiff1d(labels, classes)
    if len(stray):
        raise UserError(f"Class {stray[0]} is not in the labels of train; each class needs images to learn from.")
    names = tuple(map(str, classes))
    target = np.searchsorted(classes, labels).astype(np.int64)
    owner = np.repeat(list(splits), [len(images) for images, _ in splits.values()])
    images = _joined_images(splits)
    steps = preprocessing(_size(spec, images.shape[1:3]), spec.channels or images.shape[3])
    pixels = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    copy_of = first_of_kind(np.array([fingerprint_of(image) for image in images], "S16"))
    divided = divide(spec, names, target, owner, copy_of)
    parts = divided.parts
    from dcanas.training.mirror import without_mirrors  # here: it takes torch, which storing arrays does not

    known = divided.record(target, copy_of, [f"image {i}" for i in range(len(target))])
    return without_mirrors(Dataset(
        "arrays", names, refit(pixels, steps), target, parts["train"], parts["validation"], parts["test"], steps,
        flip=True, integer_labels=labels.dtype.kind == "i", copies=parts["copies"],
        refitted=Originals(partial(refit_some, pixels)),
        report={"copies": known} if known["files"] else {}))


def describe_arrays(splits: Mapping[str, Pair]) -> ImageFacts:
    """Return what the images are like."""
    height, width = splits["train"][0].shape[1:3]
    return ImageFacts(sum(len(images) for images, _ in splits.values()), min(height, width), (height, width))


def fingerprint(splits: Mapping[str, Pair]) -> str:
    """Return 16 hexadecimal digits that change whenever a pixel, a label or a split does."""
    digest = hashlib.sha256()
    for name, (images, labels) in sorted(splits.items()):
        digest.update(f"{name} {images.shape} {labels.dtype.kind}".encode())
        digest.update(images.tobytes())
        digest.update("\n".join(map(str, labels.tolist())).encode())
    return digest.hexdigest()[:16]


def store_arrays(splits: Mapping[str, Pair], cache: Path) -> None:
    """Keep a copy of the images and labels in a run's cache, where the data set `arrays` finds it."""
    path = _file(cache, fingerprint(splits))
    if path.exists():
        return
    content = {f"{name}_{what}": values for name, pair in splits.items()
               for what, values in zip(("images", "labels"), pair, strict=True)}
    packed = io.BytesIO()
    np.savez(packed, **content)  # type: ignore[arg-type]
    write_bytes(path, packed.getvalue())


def _file(cache: Path, digits: str) -> Path:
    return cache / f"arrays-{digits}.npz"


def _joined_labels(splits: Mapping[str, Pair]) -> np.ndarray:
    kinds = {name: labels.dtype.kind for name, (_, labels) in splits.items()}
    for name, kind in kinds.items():
        if kind != kinds["train"]:
            raise UserError(f"The labels of {name} are {KINDS[kind]}, those of train {KINDS[kinds['train']]}; give "
                            "both as one kind.")
    return np.concatenate([labels for _, labels in splits.values()])


def _joined_images(splits: Mapping[str, Pair]) -> np.ndarray:
    shape = splits["train"][0].shape[1:]
    for name, (images, _) in splits.items():
        if images.shape[1:] != shape:
            raise UserError(f"The images of {name} have the shape {images.shape[1:]}, those of train {shape}; give all "
                            "images one size and number of channels.")
    return np.concatenate([images for images, _ in splits.values()])


def _size(spec: DataSpec, size: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of the network's input: as stated, or the images' own."""
    if spec.size is not None:
        return spec.size, spec.size
    height, width = size
    if not SMALLEST_SIDE <= min(size) <= max(size) <= LARGEST_SIDE:
        raise UserError(f"The images are {height}x{width} pixels, but sides go from {SMALLEST_SIDE} to {LARGEST_SIDE}; "
                        "state one side with data.size.")
    return height, width
