"""The image files of one's own folder, with classes, labels, and the splits that the user has made."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path
from dcanas.training.folder_labels import read_labels
from dcanas.training.folder_layout import EXPECTED, Layout, understand
from dcanas.training.folder_walk import shown
from dcanas.training.spec import DataSpec


@dataclass(frozen=True)
class Listing:
    """Files and labels of a folder's images.

    Attributes:
        labels: int64 (N,), index into `classes`, of each of the N paths.
        owner: the split (`train`, `validation`, `test`) that the user put each image into; `train` for all if none was
            made (N,).
        groups: a number per image by `data.group_by` (N,); None: no groups are named.
        layout: how the folder was understood.
    """

    root: Path
    classes: tuple[str, ...]
    paths: list[Path]
    labels: np.ndarray
    owner: np.ndarray
    groups: np.ndarray | None
    layout: Layout

    def at(self, positions: np.ndarray) -> Listing:
        """Return the listing of some of the files."""
        return replace(self, paths=[self.paths[i] for i in positions], labels=self.labels[positions],
                       owner=self.owner[positions], groups=None if self.groups is None else self.groups[positions])


def list_folder(spec: DataSpec) -> Listing:
    """Return what is in the folder `spec.root`; no image is opened.

    Raises `UserError` for a folder of another layout, for classes without images, and for groups in several splits.
    """
    spec.allow("root", "group_by")
    if spec.root is None:
        raise UserError("data=folder needs data.root=<folder>: " + EXPECTED + ".")
    root = typed_path(spec.root)
    layout = understand(spec, root) if spec.labels is None else read_labels(spec.labels, spec.labels_columns, root)
    found = layout.parts
    classes = tuple(sorted(found["train"]))
    if len(classes) < 2:
        raise UserError(f"{root} holds only the class {', '.join(map(shown, classes))}; {EXPECTED}, at least two of "
                        "them.")
    paths: list[Path] = []
    labels: list[int] = []
    owners: list[str] = []
    for part, folders in found.items():
        for name in sorted(folders):
            if name not in classes:
                raise UserError(f"Class {shown(name)!r} of {root} is in {part}/ but not in train/; each class needs "
                                "images to learn from.")
        for label, name in enumerate(classes):
            if not folders.get(name):
                where = root if len(found) == 1 else root / part
                raise UserError(f"Class {shown(name)!r} has no images in {where}; add some or remove the class"
                                f"{_of_other_kinds(layout)}.")
            paths += folders[name]
            labels += [label] * len(folders[name])
            owners += [part] * len(folders[name])
    for name in classes:
        if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name) or shown(name) != name:
            raise UserError(f"The class name {shown(name)!r} spans several lines, holds control characters or is not "
                            "UTF-8; rename the class.")
    groups, owner = path_groups(spec.group_by, root, paths), np.array(owners)
    if groups is not None:
        _check_groups(spec, owner, groups)
    return Listing(root, classes, paths, np.array(labels, dtype=np.int64), owner, groups, layout)


def _of_other_kinds(layout: Layout) -> str:
    kinds = ", ".join(f"{kind} {count}" for kind, count in layout.passed.kinds.most_common())
    return f" (files of other kinds were passed over: {kinds})" if kinds else ""


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
