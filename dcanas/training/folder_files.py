"""The image files of one's own folder: a folder per class, with or without folders per split above them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.training.own_splits import complete_splits
from dcanas.training.spec import DataSpec

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
          "validation": "validation", "test": "test", "testing": "test"}
_LAYOUT = "expected one folder of images per class, or train/ and test/ with such folders in them"


@dataclass(frozen=True)
class Listing:
    """Files and labels of a folder's images.

    Attributes:
        labels: int64 (N,), index into `classes`, of each of the N paths.
        parts: by split (`train`, `validation`, `test`), positions among the paths.
    """

    classes: tuple[str, ...]
    paths: list[Path]
    labels: np.ndarray
    parts: dict[str, np.ndarray]

    @property
    def known(self) -> np.ndarray:
        """Positions of the images that may be learnt from: train and validation, in order."""
        return np.sort(np.concatenate([self.parts["train"], self.parts["validation"]]))


def list_folder(spec: DataSpec) -> Listing:
    """Return what is in the folder `spec.root`, divided among the splits; no image is opened.

    Raises `UserError` for a folder of another layout and for classes or groups that cannot be split.
    """
    spec.allow("root", "group_by")
    if spec.root is None:
        raise UserError("data=folder needs data.root=<folder>: " + _LAYOUT + ".")
    root = Path(spec.root).expanduser()
    if not root.is_dir():
        raise UserError(f"There is no folder {root} (data.root); {_LAYOUT}.")
    found = _by_split(root)
    classes = tuple(sorted(found["train"]))
    if len(classes) < 2:
        raise UserError(f"{root} holds only the class {', '.join(classes)}; {_LAYOUT}, at least two of them.")
    paths: list[Path] = []
    labels: list[int] = []
    owners: list[str] = []
    for part, folders in found.items():
        for name in sorted(folders):
            if name not in classes:
                raise UserError(f"Class {name!r} of {root} is in {part}/ but not in train/; each class needs "
                                "images to learn from.")
        for label, name in enumerate(classes):
            if not folders.get(name):
                where = root if len(found) == 1 else root / part
                raise UserError(f"Class {name!r} has no images in {where}; add some or remove the class.")
            paths += folders[name]
            labels += [label] * len(folders[name])
            owners += [part] * len(folders[name])
    target, owner = np.array(labels, dtype=np.int64), np.array(owners)
    groups = path_groups(spec.group_by, root, paths)
    if groups is not None:
        _check_groups(spec, owner, groups)
    return Listing(classes, paths, target, complete_splits(spec, classes, target, owner, groups))


def _by_split(root: Path) -> dict[str, dict[str, list[Path]]]:
    """Return {split: {class: sorted files}}; `train` alone if the user has made no splits."""
    folders = subfolders(root)
    if not folders:
        loose = "images that are in no class folder" if image_files(root) else "no images"
        raise UserError(f"{root} (data.root) holds {loose}; {_LAYOUT}.")
    named = [f for f in folders if f.name.lower() in SPLITS]
    if not any(SPLITS[f.name.lower()] == "train" and subfolders(f) for f in named):
        return {"train": {f.name: image_files(f) for f in folders}}
    for f in folders:
        if f not in named:
            splits = ", ".join(n.name + "/" for n in named)
            raise UserError(f"{root} holds {f.name}/ beside the splits {splits}; {_LAYOUT}.")
    found: dict[str, dict[str, list[Path]]] = {}
    order = list(dict.fromkeys(SPLITS.values()))
    for f in sorted(named, key=lambda f: order.index(SPLITS[f.name.lower()])):
        part = SPLITS[f.name.lower()]
        if part in found:
            raise UserError(f"{root} holds the {part} split twice ({f.name}/ is one of them); keep one.")
        found[part] = {c.name: image_files(c) for c in subfolders(f)}
    return found


def _check_groups(spec: DataSpec, owner: np.ndarray, groups: np.ndarray) -> None:
    """Raise `UserError` if images of one group are in several splits that the user has made."""
    for part in np.unique(owner):
        if len(np.intersect1d(groups[owner == part], groups[owner != part])):
            raise UserError(f"data.group_by={spec.group_by!r} finds a group of {part}/ in another "
                            f"split of {spec.root}, too; move it into one split or change data.group_by.")


def path_groups(pattern: str | None, root: Path, paths: list[Path]) -> np.ndarray | None:
    """Return the number of each path's group (N,), None without a pattern; raises `UserError` for a path without one.
    """
    if pattern is None:
        return None
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"data.group_by={pattern!r} is not a regular expression ({error}).") from error
    names = []
    for path in paths:
        relative = path.relative_to(root).as_posix()
        match = expression.search(relative)
        name = match and (match[1] if expression.groups else match[0])
        if not name:
            raise UserError(f"data.group_by={pattern!r} names no group for {relative}; change it so that it "
                            "matches the path of every image.")
        names.append(name)
    return np.unique(names, return_inverse=True)[1]


def subfolders(parent: Path) -> list[Path]:
    """Return the folders in `parent` that are not hidden, sorted by name."""
    return sorted(p for p in parent.iterdir()
                  if p.is_dir() and not p.name.startswith(".") and p.name != "__MACOSX")


def image_files(parent: Path) -> list[Path]:
    """Return the image files at any depth, sorted by path; hidden files and other kinds are passed over."""
    found = []
    for where, folders, files in os.walk(parent, followlinks=True):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [Path(where, f) for f in files if not f.startswith(".") and f.lower().endswith(EXTENSIONS)]
    return sorted(found)
