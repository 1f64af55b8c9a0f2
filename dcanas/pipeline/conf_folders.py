"""The folders of presets: the user's own, joined with `conf/` for every group. This module imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from dcanas.basics.typed_path import typed_path

VARIABLE, HOME = "DCANAS_CONF", "~/.config/dcanas/conf"

_typed: ContextVar[tuple[Path, ...]] = ContextVar("folders of presets on the command line", default=())


@contextmanager
def with_folders(typed: Sequence[str]) -> Iterator[None]:
    """Let presets be found also in folders that a command line names; raises `UserError` if there is no such folder."""
    folders = tuple(_existing(text, "--config-dir") for text in typed)
    token = _typed.set(folders)
    try:
        yield
    finally:
        _typed.reset(token)


def typed_folders() -> list[Path]:
    """Return the folders that the command line names."""
    return list(_typed.get())


def own_folders() -> list[Path]:
    """Return the user's own folders: those in `DCANAS_CONF` (separated as in `PATH`), and `~/.config/dcanas/conf`.

    Raises:
        UserError: `DCANAS_CONF` names a folder that does not exist.
    """
    stated = [text for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text]
    home = typed_path(HOME)
    return [*(_existing(text, VARIABLE) for text in stated), *([home] if home.is_dir() else [])]


def conf_folders() -> list[Path]:
    """Return all folders in which presets are looked for, ours last."""
    return list(dict.fromkeys([*typed_folders(), *own_folders(), resource_folder("conf")]))


def preset_path(group: str, name: str) -> Path | None:
    """Return the file of a preset; None if no folder has it.

    Raises:
        UserError: two folders have it.
    """
    found = [path for folder in conf_folders() if (path := folder / group / f"{name}.yaml").is_file()]
    if len({path.resolve() for path in found}) > 1:
        raise UserError(f"{group}={name} stands in {' and in '.join(map(str, found))}; give yours another name.")
    return found[0] if found else None


def preset_stems(group: str) -> list[str]:
    """Return the names of a group's files in all folders; those that begin with `_` are parts of others."""
    return sorted({path.stem for folder in conf_folders() for path in (folder / group).glob("*.yaml")
                   if not path.stem.startswith("_")})


def _existing(text: str, where: str) -> Path:
    folder = typed_path(text).absolute()
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder} ({where}); name one with folders such as experiment/ and train/.")
    return folder
