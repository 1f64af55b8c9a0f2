"""The folder of C files of a network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.export.c99.arena import Arena, plan_arena
from dcanas.export.c99.graph import read_program
from dcanas.export.c99.numbers import ARITHMETICS
from dcanas.export.c99.order import order_steps
from dcanas.export.c99.selftest import selftest_text
from dcanas.export.c99.sources import source_texts, stored_labels
from dcanas.export.c99.steps import Program


@dataclass(frozen=True)
class Generated:
    """What was generated: the network's steps, where its images lie, and the files written."""

    program: Program
    arena: Arena
    files: tuple[Path, ...]


def write_c99(source: Path | str, folder: Path | str, arithmetic: str = "float") -> Generated:
    """Write the C files of an int8 ONNX file; equal files give equal bytes.

    Args:
        source: as `quantize_onnx` writes it: QDQ, batch 1. Its entry `classes` names the labels.
        folder: made if it is missing; files of these names are replaced.
        arithmetic: "float" for processors that have 32-bit floats: the bytes of the ONNX file; "integer" for those that
            have not: now and then one step from it.

    Raises `UserError` naming the first operator that cannot become C.
    """
    if arithmetic not in ARITHMETICS:
        raise unknown("arithmetic", arithmetic, ARITHMETICS)
    source, folder = Path(source), Path(folder)
    try:
        content = source.read_bytes()
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's errors share no base class
        raise UserError(f"{source} is not a readable ONNX file.") from error
    program = order_steps(read_program(model, str(source)))
    arena = plan_arena(program)
    texts = source_texts(program, arena, ARITHMETICS[arithmetic], stored_labels(program), network_id(content))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return Generated(program, arena, tuple(folder / name for name in texts))


def network_id(content: bytes) -> str:
    """Return what a board says of the network that it runs: the first digits of the SHA-256 of its ONNX file."""
    return hashlib.sha256(content).hexdigest()[:16]


def add_selftest(folder: Path | str, images: NDArray[np.uint8], logits: NDArray[np.int8]) -> Path:
    """Write `selftest.c` beside the network. Shape: images uint8 (N, C, H, W), logits int8 (N, classes)."""
    write_text(Path(folder) / "selftest.c", selftest_text(images, logits))
    return Path(folder) / "selftest.c"
