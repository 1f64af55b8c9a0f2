"""Published data sets of image files: class folders to learn from and images to test on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.arrays import Normalisation
from dcanas.training.data import Dataset
from dcanas.training.decode import decode
from dcanas.training.spec import DataSpec
from dcanas.training.splits import split, thin

EXTENSIONS = (".jpeg", ".jpg", ".png")


def subfolders(parent: Path) -> list[str]:
    """Return the sorted names of the folders in `parent` that are not hidden."""
    with os.scandir(parent) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def image_files(folder: Path) -> list[str]:
    """Return the sorted paths of a folder's image files; none if there is no such folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(e.path for e in entries if e.name.lower().endswith(EXTENSIONS) and not e.name.startswith("."))


def synonyms(wnids: Sequence[str], path: Path, separator: str) -> tuple[str, ...]:
    """Return a readable name per WordNet id, such as "n01440764 tench".

    Args:
        path: file with one line per id: id, separator, synonyms; ids that it lacks keep their bare name.
    """
    names: dict[str, str] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            wnid, _, words = line.partition(separator)
            names[wnid] = words.partition(",")[0].strip()
    return tuple(f"{wnid} {names[wnid]}" if names.get(wnid) else wnid for wnid in wnids)


def from_files(spec: DataSpec, classes: tuple[str, ...], learnt: Sequence[Sequence[str]],
               tested: Sequence[Sequence[str]], where: Path, steps: dict[str, Any], normalisation: Normalisation,
               cache: Path | None) -> Dataset:
    """Return the data set of these files; only files of a split are read (see `data.fraction`).

    Args:
        learnt: per class the files to learn from.
        tested: per class the files to test on.
        where: folder that errors name.
        steps: see `dcanas.training.data.preprocessing`.
        normalisation: published constants; they apply to the published number of channels only.
        cache: see `decode`.

    Raises `UserError` for a class without images.
    """
    for files, purpose in ((learnt, "learn from"), (tested, "test on")):
        for name, members in zip(classes, files, strict=True):
            if not members:
                raise UserError(f"Class {name!r} of {where} has no images to {purpose}; unpack the archive again.")
    paths = [path for half in (learnt, tested) for members in half for path in members]
    labels = np.concatenate([np.repeat(np.arange(len(classes)), [len(m) for m in half]) for half in (learnt, tested)])
    first = sum(map(len, learnt))
    shares = {"train": 1 - spec.validation_fraction, "validation": spec.validation_fraction}
    parts = split(labels[:first], shares, {"train": 2, "validation": 1}, classes, spec.split_seed)
    for name, least in (("train", 2), ("validation", 1)):
        parts[name] = thin(labels, parts[name], spec.fraction, least, spec.split_seed)
    parts["test"] = np.arange(first, len(labels))
    used = np.sort(np.concatenate(list(parts.values())))
    train, validation, test = (np.searchsorted(used, parts[name]) for name in ("train", "validation", "test"))
    images = decode([Path(paths[i]) for i in used], steps, cache)
    return Dataset(spec.name, classes, images, labels[used].astype(np.int64), train, validation, test, steps, flip=True,
                   normalisation=normalisation if steps["channels"] == len(normalisation[0]) else None)
