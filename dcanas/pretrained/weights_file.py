"""The tensors in a file of weights, checked before anything relies on them; nothing in the file is executed."""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.errors import UserError
from dcanas.basics.typed_path import typed_path

BYTES, NUMBERS = 4 << 30, 1 << 29  # largest file, unpacked; most numbers in its tensors
PREFIXES = ("module.", "model.", "network.", "_orig_mod.")  # of wrappers: they say nothing about a parameter
AVERAGED = "n_averaged"  # how many networks torch.optim.swa_utils has averaged
PLACES = (("state_dict", "state_dict_ema"), ("model", "model_ema"))  # in a checkpoint: weights, and their averages
NORMALISATION = "normalise."  # of a delivered model: its data's own, which no other network takes over


@dataclass(frozen=True)
class WeightsFile:
    """A state dict and where it comes from.

    Attributes:
        tensors: by name, without the prefixes of wrappers.
        sha256: of the file.
        note: what the user should know about the choice of tensors; empty: nothing.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    sha256: str
    note: str = ""


def read_weights(path: str | Path) -> WeightsFile:
    """Read a file that `torch.save` wrote: a state dict, or a checkpoint that holds one.

    Raises:
        UserError: it is no such file, holds other Python objects or too much, or its weights are no finite
            floating-point numbers.
    """
    file = typed_path(path)
    _check_size(file)
    content, note = _state_dict(load_weights(file), file)
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise UserError(f"{file} holds no state dict (names and tensors); save it by "
                        "torch.save(network.state_dict(), file).")
    kept = {str(name): value for name, value in content.items()
            if str(name) != AVERAGED and not str(name).startswith(NORMALISATION)}
    tensors = {bare: kept[name] for name, bare in bare_names(kept).items()}
    _check_numbers(tensors, file)
    with file.open("rb") as opened:
        return WeightsFile(file, tensors, hashlib.file_digest(opened, "sha256").hexdigest(), note)


def bare_names(names: Iterable[str]) -> dict[str, str]:
    """Return names without the prefixes of wrappers, whatever their number and order, unless two became one."""
    found = {name: _bare(name) for name in names}
    return found if len(set(found.values())) == len(found) else {name: name for name in found}


def _bare(name: str) -> str:
    while name.startswith(PREFIXES):
        name = name.partition(".")[2]
    return name


def _check_size(file: Path) -> None:
    if not file.is_file():
        raise UserError(f"{file} is a folder, not a file of weights." if file.is_dir() else
                        f"There are no weights at {file}.")
    size = file.stat().st_size
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                size = max(size, sum(entry.file_size for entry in archive.infolist()))
    except Exception as error:  # zipfile raises many kinds for a damaged directory
        raise UserError(f"{file} is not a whole file of weights ({type(error).__name__}).") from error
    if size > BYTES:
        raise UserError(f"{file} holds {size / (1 << 30):.1f} GiB, more than the {BYTES >> 30} GiB that are read; give "
                        "the state dict of the network alone.")


def _state_dict(content: Any, file: Path) -> tuple[Any, str]:
    """Return the state dict in what was loaded, averages if there are any, and a note if there was a choice."""
    if isinstance(content, dict):
        for plain, averages in PLACES:
            found = {key: content[key] for key in (plain, averages) if isinstance(content.get(key), dict)}
            if len(found) == 2:
                return found[averages], f"{file} holds {plain} and {averages}: the averages, {averages}, are taken."
            if found:
                return next(iter(found.values())), ""
    return content, ""


def _check_numbers(tensors: Mapping[str, Tensor], file: Path) -> None:
    plain = all(value.layout == torch.strided and value.device.type == "cpu" for value in tensors.values())
    if not plain or sum(math.prod(value.shape) for value in tensors.values()) > NUMBERS:
        raise UserError(f"{file} holds sparse or absent tensors, or more than {NUMBERS:,} numbers; give the state dict "
                        "of a network as torch.save writes it.")
    for name, value in tensors.items():
        if name.endswith(("weight", "bias")) and not value.is_floating_point():
            raise UserError(f"{name} in {file} holds {str(value.dtype).removeprefix('torch.')}, not floating-point "
                            "numbers: such weights cannot be trained further; give those before quantisation.")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise UserError(f"{name} in {file} holds numbers that are not finite (NaN or infinity): the training that "
                            "made it has diverged; give other weights.")
