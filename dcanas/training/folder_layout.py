"""How a folder of images is arranged: a folder per class, with or without folders per split above or below them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dcanas.basics.errors import UserError, unknown
from dcanas.export.infer import EXTENSIONS as IMAGES
from dcanas.training.folder_walk import (
    Passed,
    Walk,
    entries,
    image_files,
    is_file,
    is_folder,
    shown,
    subfolders,
    unpacking,
)
from dcanas.training.spec import DataSpec
from dcanas.training.split_names import is_fold, joined_splits, like_name, plain_name, says_nothing, split_of

EXPECTED = "expected one folder of images per class, or train/ and test/ with such folders in them"
PARTS = ("train", "validation", "test")
Found = dict[str, dict[str, list[Path]]]  # split -> class -> files


@dataclass(frozen=True)
class Layout:
    """The images of a folder by split and class.

    Attributes:
        words: what was understood.
        parts: split -> class -> sorted files; `train` alone if the user has made no splits.
        passed: what was passed over.
        notes: further sentences.
    """

    words: str
    parts: Found
    passed: Passed
    notes: list[str] = field(default_factory=list)


def understand(spec: DataSpec, root: Path) -> Layout:
    """Return the images of `root`; raises `UserError` that says what was found and what to set."""
    if root.is_file() and (command := unpacking(root)):
        raise UserError(f"{root} (data.root) is an archive, and a folder is needed: `{command}` unpacks it; then set "
                        "data.root to the new folder.")
    if not root.is_dir():
        what = f"{root} (data.root) is a file" if root.is_file() else f"There is no folder {root} (data.root)"
        raise UserError(f"{what}; {EXPECTED}.")
    passed, notes = Passed(), []
    top = _unpacked(root)
    if top != root:
        notes.append(f"The images lie in {top.relative_to(root)}/.")
    folders = subfolders(top)
    if not folders:
        raise _no_folders(top)
    if spec.test_folder is not None:
        words, parts = _by_folder(spec.test_folder, top, folders, passed)
    else:
        words, parts = _KINDS[spec.layout](top, folders, passed)
    notes += [f"{file.name} is an archive and is not read; `{command}` unpacks it."
              for file in map(Path, sorted(_pass_files(top, passed))) if (command := unpacking(file))]
    return Layout(words, same_forms(f"{top} holds two folders of the name", parts, notes), passed, notes)


def _auto(top: Path, folders: list[Path], passed: Passed) -> tuple[str, Found]:
    named = [f for f in folders if split_of(f.name)]
    others = [f for f in folders if f not in named]
    kinds = {split_of(f.name) for f in named}
    if any(split_of(f.name) == "train" and subfolders(_repeated(f)) for f in named):
        for f in others:
            if image_files(f):
                raise UserError(f"{top} holds {f.name}/ beside the splits {_list(named)}; {EXPECTED}: move it away, or "
                                f"set data.layout=classes if {_list(folders)} are the classes.")
        return _splits(top, named, passed)
    if len(named) > 1 and (not others or (len(kinds) > 1 and "train" in kinds)):
        without = [f for f in named if not subfolders(_repeated(f))]
        what = f"{_list(without)} hold no class folders" if without else "none of them is called train/"
        raise UserError(f"{top} holds {_list(named)}, which are named as splits, but {what}; put a folder per class "
                        "into each, give the labels with data.labels=FILE.csv, or set data.layout=classes if "
                        "these are the classes.")
    below = {f: {plain_name(inner.name) for inner in subfolders(_repeated(f))} for f in folders}
    first = [f for f in folders if "train" in map(split_of, below[f]) and all(map(split_of, below[f]))]
    if len(first) == len(folders) > 1:
        return _classes_of_splits(top, folders, passed)
    if len(folders) > 1 and all(is_fold(f.name) for f in folders):
        raise UserError(f"{top} holds {_list(folders)}, which are named as parts of the data, such as folds; set "
                        f"data.test_folder={folders[-1].name} to test on one of them and learn from the others, "
                        "data.labels=FILE.csv if they hold no class folders, or data.layout=classes if these are the "
                        "classes.")
    for f in named:
        classes = {plain_name(other.name) for other in folders if other is not f}
        if len(below[f]) > 1 and below[f] <= classes:
            raise UserError(f"{top} holds {f.name}/ with folders of the same names as those beside it "
                            f"({', '.join(sorted(below[f])[:3])}); move those beside it into train/, or set "
                            "data.layout=classes if all are classes.")
    _refuse_same_below(top, folders, below)
    if joined := joined_splits(f.name for f in folders):
        raise UserError(f"{top} holds {_list([top / name for name in joined])}, which are named as splits; put a "
                        "folder per class into train/ and into test/, or set data.layout=classes if these are the "
                        "classes.")
    return _classes(top, folders, passed)


def _refuse_same_below(top: Path, folders: list[Path], below: dict[Path, set[str]]) -> None:
    """Raise `UserError` if the folders are more likely parts of the data than classes: the same classes are in all."""
    common, every = set.intersection(*below.values()), set.union(*below.values())
    if len(folders) < 2 or len(common) < 2 or 2 * len(common) < len(every):
        return
    if not all(says_nothing(f.name) for f in folders) and all(says_nothing(name) for name in common):
        return  # a class with views or dates
    if any(Path(entry.name).suffix.lower() in IMAGES for f in folders for entry in entries(_repeated(f))):
        return
    some = ", ".join(sorted(shown(name) for name in common)[:5])
    raise UserError(f"All of {_list(folders)} in {top} hold folders of the same names ({some}), so they may be splits "
                    f"and not classes; set data.test_folder={folders[-1].name} if one of them is tested and the others "
                    "learnt from, or data.layout=classes if they are the classes.")


def _classes(top: Path, folders: list[Path], passed: Passed) -> tuple[str, Found]:
    walk = Walk(top, passed)
    found = {f.name: walk.images(f) for f in walk.folders(top)}
    if len(found) == 1 and len(inner := subfolders(folders[0])) > 1:
        name = next(iter(found))
        raise UserError(f"{top} holds only the class {name}; {EXPECTED}, at least two of them: if {_list(inner)} are "
                        f"the classes, set data.root={top / name}.")
    return "a folder per class", {"train": found}


def _splits(top: Path, folders: list[Path], passed: Passed) -> tuple[str, Found]:
    """Return the images of folders per split; folders of other names are not read."""
    named = sorted((f for f in folders if split_of(f.name)), key=lambda f: PARTS.index(str(split_of(f.name))))
    if not named or split_of(named[0].name) != "train":
        if all("train" in {split_of(inner.name) for inner in subfolders(f)} for f in folders):
            return _classes_of_splits(top, folders, passed)
        raise UserError(f"{top} holds {_list(folders)}, and none of them is called train/; {EXPECTED}, or name the "
                        "folder that is tested with data.test_folder=NAME.")
    found: Found = {}
    for f in folders:
        if f not in named:
            passed.kinds[f"in {f.name}/"] += len(image_files(f))
    for f in named:
        part = str(split_of(f.name))
        if part in found:
            raise UserError(f"{top} holds the {part} split twice ({f.name}/ is one of them); keep one.")
        walk, inner = Walk(f, passed), _repeated(f)
        found[part] = {c.name: walk.images(c) for c in walk.folders(inner)}
        loose = len(passed.loose)
        _pass_files(inner, passed)
        if not found[part]:
            raise UserError(f"{f} holds {len(passed.loose) - loose} images and no class folders, though "
                            f"{named[0].name}/ has some; put a folder per class into it, or move it away if its images "
                            "have no labels.")
    return f"a folder per split ({_list(named)}) with a folder per class in each", found


def _classes_of_splits(top: Path, folders: list[Path], passed: Passed) -> tuple[str, Found]:
    found: Found = {part: {} for part in PARTS}
    walk = Walk(top, passed)
    for f in walk.folders(top):
        for inner in walk.folders(_repeated(f)):
            part = split_of(inner.name)
            if part is None:
                raise UserError(f"{f} holds {inner.name}/, which names no split, beside others that do; {EXPECTED}.")
            found[part].setdefault(f.name, []).extend(walk.images(inner))
    return "a folder per class with a folder per split in each", {part: c for part, c in found.items() if c}


def _by_folder(tested: str, top: Path, folders: list[Path], passed: Passed) -> tuple[str, Found]:
    """Return the images if one folder is tested and the others are learnt from (`data.test_folder`)."""
    chosen = [f for f in folders if f.name == tested.rstrip("/")]
    if not chosen:
        raise unknown("folder in data.test_folder", tested, [f.name for f in folders])
    found: Found = {part: {} for part in PARTS}
    for f in folders:
        part = "test" if f in chosen else "validation" if split_of(f.name) == "validation" else "train"
        if part == "train" and split_of(f.name) == "test":
            raise UserError(f"{top} holds {f.name}/ beside {tested}/, which data.test_folder names; move one of them "
                            "away, for what is tested is not learnt from.")
        walk = Walk(f, passed)
        inner = walk.folders(_repeated(f))
        if not inner:
            raise UserError(f"{f} holds no class folders, which data.test_folder={tested} expects in every folder of "
                            f"{top}.")
        for c in inner:
            found[part].setdefault(c.name, []).extend(walk.images(c))
    return f"{_list(folders)}, of which {chosen[0].name}/ is tested", {part: c for part, c in found.items() if c}


def same_forms(twice: str, parts: Found, notes: list[str]) -> Found:
    """Return the images with one form of Unicode for each class's name, that of the first split.

    Args:
        twice: words before a name that a split holds in two forms, which raises `UserError`.
        notes: to which is added what is noticed.
    """
    known: dict[str, str] = {}
    for part, classes in parts.items():
        seen: dict[str, str] = {}
        for name in classes:
            form = unicodedata.normalize("NFC", name)
            if form in seen:
                raise UserError(f"{twice} {shown(form)} in different forms of Unicode ({seen[form]!a} and {name!a}); "
                                "make them one.")
            seen[form] = name
            if known.setdefault(form, name) != name:
                notes.append(f"The class {shown(form)} of {part} has another form of Unicode there; it is taken as one "
                             "class.")
    like: dict[str, str] = {}
    for name in known:
        if (other := like.setdefault(like_name(name), name)) != name:
            notes.append(f"The classes {shown(other)} and {shown(name)} ({other!a} and {name!a}) differ only by case, "
                         "blanks, dashes, or characters that look alike or are not seen.")
    return {part: {known[unicodedata.normalize("NFC", name)]: files for name, files in classes.items()}
            for part, classes in parts.items()}


def _unpacked(root: Path) -> Path:
    """Return the folder that holds the data: below a level that an archive repeats, or that holds only the splits."""
    while len(inner := subfolders(root)) == 1:
        only = inner[0]
        below = [split_of(f.name) for f in subfolders(only)]
        if (plain_name(only.name) != plain_name(root.resolve().name) and not (
                "train" in below and len(set(below) - {None}) > 1)) or _has_images(root) or only.is_symlink():
            break
        root = only
    return root


def _repeated(folder: Path) -> Path:
    """Return the folder below if it is the only one and has the same name (`train/train/`), else the folder."""
    inner = subfolders(folder)
    same = len(inner) == 1 and plain_name(inner[0].name) == plain_name(folder.name) and not _has_images(folder)
    return inner[0] if same and subfolders(inner[0]) else folder


def _pass_files(folder: Path, passed: Passed) -> list[str]:
    """Add what lies in a folder of folders and is no folder to what is passed over; return the files of other kinds."""
    others = []
    for entry in entries(folder):
        if is_file(entry):
            if Path(entry.name).suffix.lower() in IMAGES:
                passed.loose.append(entry.path)
            else:
                passed.kinds[Path(entry.name).suffix.lower() or "none"] += 1
                others.append(entry.path)
        elif not is_folder(entry):
            passed.kinds[f"broken link {shown(entry.name)}" if entry.is_symlink() else "no file"] += 1
    return others


def _has_images(folder: Path) -> bool:
    return any(Path(entry.name).suffix.lower() in IMAGES for entry in entries(folder))


def _no_folders(top: Path) -> UserError:
    files = [Path(entry.path) for entry in entries(top)]
    for file in files:
        if command := unpacking(file):
            return UserError(f"{top} (data.root) holds no folders of images but the archive {file.name}; `{command}` "
                             "unpacks it, then set data.root to the new folder.")
    lists = [file.name for file in files if file.suffix.lower() in (".csv", ".tsv")]
    if image_files(top):
        hint = f"; if {lists[0]} holds their labels, set data.labels={lists[0]}" if lists else ""
        return UserError(f"{top} (data.root) holds images that are in no class folder; {EXPECTED}{hint}.")
    return UserError(f"{top} (data.root) holds no images; {EXPECTED}.")


def _list(folders: Sequence[Path]) -> str:
    names = [shown(f.name) + "/" for f in folders]
    return ", ".join(names) if len(names) <= 5 else f"{', '.join(names[:4])} and {len(names) - 4} more folders"


_KINDS: dict[str, Callable[[Path, list[Path], Passed], tuple[str, Found]]] = {
    "auto": _auto, "classes": _classes, "splits": _splits}
