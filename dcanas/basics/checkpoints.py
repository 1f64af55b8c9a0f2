"""Checkpoints that are whole, checked by their own hash, and never unpickled into anything but plain values."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes

KEEP = 2  # the newest and, should it turn out damaged, the one before it


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write `state` (tensors and plain containers) as the checkpoint of `step`; older ones but the last go."""
    content = io.BytesIO()
    torch.save(state, content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()[:16]
    path = folder / f"step-{step:08d}-{digest}.pt"
    write_bytes(path, content.getvalue())
    for _, old in _checkpoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path, key: str | None = None) -> tuple[int, dict[str, Any]] | None:
    """Return (step, state) of the newest whole checkpoint, or None where there is none.

    A damaged file is passed over with a warning that names it. Raises `UserError` where the state's "key" is not
    `key`, if one is given: it was made with other settings or data.
    """
    for step, path in _checkpoints(folder):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest()[:16] == path.stem.rsplit("-", 1)[1]:
            state = _plain_state(path, content)
            if key is not None and state.get("key") != key:
                raise UserError(f"The checkpoints in {folder} belong to other settings or other data; choose another "
                                "run.dir or delete that folder.")
            return step, state
        warnings.warn(f"Checkpoint {path} is damaged (truncated or changed); going back to the one before it.",
                      stacklevel=2)
    return None


def kept_checkpoint(folder: Path | None) -> str:
    """Return a sentence about the last good checkpoint in a folder; empty if none was written."""
    found = _checkpoints(folder) if folder is not None else []
    return f" The last good checkpoint is {found[0][1]}." if found else ""


def save_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write the state dict of a network, whole."""
    content = io.BytesIO()
    torch.save({name: value.cpu().contiguous() for name, value in state.items()}, content)
    write_bytes(path, content.getvalue())


def load_weights(path: Path) -> dict[str, Any]:
    """Return a state dict from a file of weights; nothing in the file is executed. Raises `UserError`."""
    try:
        weights: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        return weights
    except FileNotFoundError as error:
        raise UserError(f"There are no weights at {path}.") from error
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        if found is None:
            raise UserError(f"{path} is not a whole file of weights ({type(error).__name__}).") from error
        raise UserError(f"{path} is not a whole file of weights: it holds Python objects beside tensors ({found[1]}), "
                        "which are never loaded; save the state dict alone: torch.save(network.state_dict(), file)."
                        ) from error
    except Exception as error:
        raise UserError(f"{path} is not a whole file of weights ({type(error).__name__}).") from error


def _plain_state(path: Path, content: bytes) -> dict[str, Any]:
    """Return what a checkpoint holds; raises `UserError` if it is none of ours."""
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:  # torch does not compress
                if sum(entry.file_size for entry in archive.infolist()) > len(content):
                    raise ValueError("it unfolds into more than its size")
        state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        if not isinstance(state, dict):
            raise ValueError("it holds no state")
    except Exception as error:  # torch raises many kinds
        raise UserError(f"{path} is no checkpoint of dcanas ({type(error).__name__}); delete it and run the command "
                        "again.") from error
    return state


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Return (step, path), newest first."""
    found = []
    for path in folder.glob("step-*.pt") if folder.is_dir() else ():
        match = re.fullmatch(r"step-(\d+)-[0-9a-f]{16}\.pt", path.name)
        if match:
            found.append((int(match[1]), path))
    return sorted(found, reverse=True)
