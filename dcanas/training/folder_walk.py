"""What lies in a folder of images: each real file once, litter passed over, files of other kinds counted."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.export.infer import is_image, is_litter

ARCHIVES = {".zip": "unzip {0} -d {1}", ".tar": "mkdir {1} && tar -xf {0} -C {1}",
            ".tgz": "mkdir {1} && tar -xf {0} -C {1}", ".gz": "mkdir {1} && tar -xf {0} -C {1}",
            ".bz2": "mkdir {1} && tar -xf {0} -C {1}", ".xz": "mkdir {1} && tar -xf {0} -C {1}",
            ".7z": "7z x {0} -o{1}", ".rar": "unrar x {0} {1}/"}


@dataclass
class Passed:
    """What is passed over.

    Attributes:
        kinds: number of files of other kinds by suffix, `none` without one.
        links: links to what is read anyway, or to a folder that they lie in.
        loose: images that lie beside class folders.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)


class Walk:
    """Finds the images of a split; each of its real folders is read once, under the name that is no link.

    Args:
        top: folder of the split.
        passed: to which is added what is passed over.
    """

    def __init__(self, top: Path, passed: Passed):
        self.passed = passed
        self._plain = set(_plain_folders(os.path.realpath(top)))
        self._linked: set[str] = set()

    def folders(self, parent: Path) -> list[Path]:
        """Return the folders in `parent` that are no litter, sorted by name."""
        return sorted(Path(entry.path) for entry in entries(parent) if is_folder(entry) and self._enters(entry))

    def images(self, parent: Path) -> list[Path]:
        """Return the image files at any depth, sorted by path."""
        found: dict[str, Path] = {}
        waiting = [str(parent)]
        while waiting:
            folder = waiting.pop()
            real = os.path.realpath(folder) + os.sep
            for entry in sorted(entries(folder), key=lambda entry: (entry.is_symlink(), entry.name)):
                if is_folder(entry):
                    waiting += [entry.path] if self._enters(entry) else []
                elif self._is_image(entry):
                    file = os.path.realpath(entry.path) if entry.is_symlink() else real + entry.name
                    if file in found:
                        self.passed.links.append(entry.path)
                    else:
                        found[file] = Path(entry.path)
        return sorted(found.values())

    def _is_image(self, entry: os.DirEntry[str]) -> bool:
        suffix = Path(entry.name).suffix.lower()
        if not is_file(entry):
            self.passed.kinds["broken link" if entry.is_symlink() else "no file"] += 1
            return False
        if is_image(entry.path, entry.name):
            return True
        self.passed.kinds[suffix or "none"] += 1
        return False

    def _enters(self, entry: os.DirEntry[str]) -> bool:
        """Return whether a folder is to be read: it is no link, or one to a folder that is read nowhere else."""
        if not entry.is_symlink():
            return True
        target = os.path.realpath(entry.path)
        here = os.path.realpath(Path(entry.path).parent)
        if target in self._plain or target in self._linked or f"{here}/".startswith(f"{target.rstrip('/')}/"):
            if entry.path not in self.passed.links:
                self.passed.links.append(entry.path)
            return False
        self._linked.add(target)
        return True


def entries(parent: Path | str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, litter excepted, sorted by name; raises `UserError` if it cannot be read."""
    try:
        with os.scandir(parent) as found:
            return sorted((entry for entry in found if not is_litter(entry.name)), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"The folder {parent} cannot be read ({error.strerror}); correct its rights.") from error


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file or a link to one; a link to itself is none."""
    try:
        return entry.is_file()
    except OSError:
        return False


def subfolders(parent: Path) -> list[Path]:
    """Return the folders in `parent` that are no litter, sorted by name."""
    return sorted(Path(entry.path) for entry in entries(parent) if is_folder(entry))


def image_files(parent: Path) -> list[Path]:
    """Return the image files at any depth, sorted by path; litter and files of other kinds are passed over."""
    return Walk(parent, Passed()).images(parent)


def unpacking(path: Path) -> str | None:
    """Return the command that unpacks an archive; None: the file is none."""
    command = ARCHIVES.get(path.suffix.lower())
    into = re.sub(r"\.(?:tar)?$", "", path.name[:-len(path.suffix)]) if command else ""
    return command and command.format(path, path.with_name(into or "photos"))


def shown(name: object) -> str:
    """Return a name or path as text that can be written anywhere: bytes that are no UTF-8 as `\\xNN`."""
    return os.fsencode(str(name)).decode("utf-8", "backslashreplace")


def _plain_folders(top: str) -> Iterator[str]:
    """Yield the real paths of all folders that are reached without a link."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        yield folder
        waiting += [entry.path for entry in entries(folder) if entry.is_dir(follow_symlinks=False)]
