"""Images in any folders with their labels in a file: `data.labels=FILE.csv`, a line per image."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.typed_path import typed_path
from dcanas.training.folder_layout import Found, Layout, same_forms
from dcanas.training.folder_walk import Passed, Walk
from dcanas.training.split_names import plain_name, split_of

NAMES = {  # of columns, the likeliest first
    "file": ("file", "filename", "file_name", "filepath", "file_path", "path", "image", "image_path", "image_name",
             "image_file", "image_id", "imageid", "img", "img_path", "img_name", "photo", "picture", "name", "id",
             "fname"),
    "class": ("class", "label", "labels", "class_name", "classname", "category", "target", "species", "breed",
              "diagnosis", "dx", "tag", "y"),
    "split": ("split", "set", "subset", "partition", "usage", "data_set", "dataset")}
NO_CLASS = ("", "nan", "<na>", "n/a")
SHOWN = 10


def read_labels(stated: str, columns: Sequence[str], root: Path) -> Layout:
    """Return the images of `root` by the classes, and if the file has such a column, the splits, of a file of labels.

    Args:
        stated: the file, by its path or its place in `root`: CSV with commas, semicolons or tabs.
        columns: names of the columns of files and classes, and if there is one, of splits; none: found by their names.

    Raises:
        UserError: the file or a column is missing, a line has no class, or files and lines do not match.
    """
    if not root.is_dir():
        raise UserError(f"There is no folder {root} (data.root); it should hold the images that data.labels names.")
    table = next((path for path in (typed_path(stated), root / stated) if path.is_file()), None)
    if table is None:
        raise UserError(f"data.labels={stated} is not a file, nor is it one in {root}; give the path of a CSV file "
                        "with a line per image.")
    head, rows = _read(table)
    chosen = _columns(table, head, rows, columns, root)
    passed = Passed()
    files = Walk(root, passed).images(root)
    places = _places(files, root)
    found: dict[Path, tuple[str, str]] = {}
    missing: list[str] = []
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = [row[i].strip() if i < len(row) else "" for i in chosen]
        name, label, split = (*cells, "")[:3]
        if not name or label.lower() in NO_CLASS:
            lacking = "class" if name else "file"
            raise UserError(f"Line {number} of {table} names no {lacking}; correct or remove it.")
        matches = places.get(name.replace("\\", "/").removeprefix(f"{root}/").removeprefix("./"), [])
        if len(matches) > 1:
            raise UserError(f"{name} in line {number} of {table} may be {matches[0]} or {matches[1]}; write the path.")
        if not matches:
            missing.append(name)
            continue
        value = (label, _part(split, number, table) if len(chosen) == 3 else "train")
        if found.setdefault(matches[0], value) != value:
            raise UserError(f"{table} states both {found[matches[0]][0]!r} and {label!r} for {name}, or two splits; "
                            "leave one.")
    if missing:
        raise UserError(f"{table} names {len(missing)} files that are not in {root}: {', '.join(missing[:SHOWN])}; "
                        "remove these lines or add the files.")
    parts: Found = {}
    for part in ("train", "validation", "test"):
        for path in files:
            if path in found and found[path][1] == part:
                parts.setdefault(part, {}).setdefault(found[path][0], []).append(path)
    if "train" not in parts:
        raise UserError(f"{table} gives no image to learn from; it needs lines with a class"
                        f"{' and the split train' if len(chosen) == 3 else ''}.")
    _refuse_joined({label for label, _ in found.values()}, table)
    without = len(files) - len(found)
    if without:
        passed.kinds["image without a label"] += without
    names = [head[i] for i in chosen]
    notes: list[str] = []
    parts = same_forms(f"{table} names the class", parts, notes)
    return Layout(f"labels in {table.name}, columns {', '.join(names)}", parts, passed, notes)


def _refuse_joined(labels: set[str], table: Path) -> None:
    """Raise `UserError` if a class is several others in one cell, for an image has one class."""
    for label in sorted(labels):
        parts = [part.strip() for part in re.split(r"[|;,+/&]", label)]
        if len(parts) > 1 and set(parts) <= labels:
            raise UserError(f"{table} states the class {label!r} beside {' and '.join(map(repr, parts))}, but an image "
                            "has one class; leave one in each line, or name those of several differently.")


def _read(table: Path) -> tuple[list[str], list[list[str]]]:
    """Return the first line and the others."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{table} is not text in UTF-8; save it as CSV in UTF-8.") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UserError(f"{table} cannot be read as CSV ({error}); save it with a line per image.") from error
    if not rows:
        raise UserError(f"{table} is empty; it needs a line per image.")
    return [cell.strip() for cell in rows[0]], rows[1:]


def _columns(table: Path, head: list[str], rows: list[list[str]], stated: Sequence[str], root: Path) -> list[int]:
    """Return the positions of the columns of files, classes and, if there is one, splits."""
    if stated:
        if len(stated) not in (2, 3):
            raise UserError(f"data.labels_columns names the columns of files and classes, and if there is one of "
                            f"splits, such as file,class; got {','.join(stated)}.")
        for name in stated:
            if name not in head:
                raise unknown(f"column of {table.name}", name, head)
        return [head.index(name) for name in stated]
    plain = [plain_name(name) for name in head]
    found = {kind: [i for i, name in enumerate(plain) if name in names] for kind, names in NAMES.items()}
    files = sorted(found["file"], key=lambda i: NAMES["file"].index(plain[i]))
    if len(files) > 1:  # the first whose entries are files
        places = _places(Walk(root, Passed()).images(root), root)
        files = [i for i in files if any(i < len(row) and row[i].strip() in places for row in rows[:100])][:1]
    if len(files) != 1 or len(found["class"]) != 1 or len(found["split"]) > 1:
        raise UserError(f"Which columns of {table} are meant is not clear from their names ({', '.join(head[:20])}); "
                        "set data.labels_columns=[FILE,CLASS] with the names of the columns of files and classes.")
    return [*files, *found["class"], *found["split"]]


def _places(files: list[Path], root: Path) -> dict[str, list[Path]]:
    """Return which files a name may mean: a path below the root, a path without suffix, a bare name."""
    found: dict[str, list[Path]] = {}
    for path in files:
        relative = path.relative_to(root)
        for name in {relative.as_posix(), relative.with_suffix("").as_posix(), path.name, path.stem,
                     f"{root.name}/{relative.as_posix()}"}:
            found.setdefault(name, []).append(path)
    for path in files:
        found[path.relative_to(root).as_posix()] = [path]  # a whole path means one file
    return found


def _part(split: str, number: int, table: Path) -> str:
    part = split_of(split)
    if part is None:
        raise UserError(f"Line {number} of {table} states the split {split!r}; expected train, validation or test, or "
                        "name only the columns of files and classes with data.labels_columns.")
    return part
