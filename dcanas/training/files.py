"""Data sets of image files: what all of them share, and published ones with a folder per WordNet id."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.data import Dataset, Images, Normalisation, Originals, preprocessing
from dcanas.training.decode import decode
from dcanas.training.own_splits import complete_splits
from dcanas.training.spec import DataSpec


def file_dataset(name: str, classes: tuple[str, ...], paths: Sequence[Path], labels: np.ndarray,
                 parts: dict[str, np.ndarray], steps: dict[str, Any], cache: Path | None,
                 normalisation: Normalisation | None = None) -> Dataset:
    """Return the data set of image files; only files of a split are read (see `data.fraction`).

    Args:
        paths: the N files.
        labels: index into `classes` of each file (N,).
        parts: positions in `paths` of `train`, `validation` and `test`, and perhaps of `copies`.
        steps: see `dcanas.training.data.preprocessing`.
        cache: see `decode`.
        normalisation: published constants; they apply to the published number of channels only.
    """
    used = np.sort(np.concatenate(list(parts.values())))
    train, validation, test, copies = (np.searchsorted(used, parts.get(name, np.zeros(0, np.int64)))
                                       for name in ("train", "validation", "test", "copies"))
    if normalisation is not None and steps["channels"] != len(normalisation[0]):
        normalisation = None
    files = [paths[i] for i in used]
    originals = Originals(partial(_decoded, files, cache), files=True)
    return Dataset(name, classes, decode(files, steps, cache), labels[used], train, validation, test, steps, flip=True,
                   normalisation=normalisation, refitted=originals, copies=copies)


def _decoded(files: Sequence[Path], cache: Path | None, steps: dict[str, Any], indices: np.ndarray) -> Images:
    return decode([files[i] for i in indices], steps, cache)


def from_files(spec: DataSpec, classes: tuple[str, ...], learnt: Sequence[Sequence[Path]],
               tested: Sequence[Sequence[Path]], where: Path, side: int, normalisation: Normalisation,
               cache: Path | None, context: float | None = None) -> Dataset:
    """Return a published data set of these files, split as `spec` says.

    Args:
        learnt: per class the files to learn from.
        tested: per class the files to test on.
        where: folder that errors name.
        side: of the images in pixels, unless `spec` states one.
        normalisation: see `file_dataset`.
        cache: see `decode`.
        context: the shorter side becomes so many times as long before the centre is cropped; None: see `preprocessing`.

    Raises `UserError` for a class without images.
    """
    for files, purpose in ((learnt, "learn from"), (tested, "test on")):
        for name, members in zip(classes, files, strict=True):
            if not members:
                raise UserError(f"Class {name!r} of {where} has no images to {purpose}; unpack the archive again.")
    paths = [path for half in (learnt, tested) for members in half for path in members]
    labels = np.concatenate([np.repeat(np.arange(len(classes)), [len(m) for m in half]) for half in (learnt, tested)])
    first = sum(map(len, learnt))
    parts = complete_splits(spec, classes, labels, np.repeat(["train", "test"], [first, len(labels) - first]))
    side = spec.size or side
    steps = preprocessing((side, side), spec.channels or 3, None if context is None else round(side * context))
    return file_dataset(spec.name, classes, paths, labels, parts, steps, cache, normalisation)


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
