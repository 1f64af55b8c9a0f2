"""`resize.c`: the network's image from a camera's frame, as `infer.py` makes it from an image file.

Cropping and resizing are linear, row by row and column by column, so that Pillow itself says with which weights: it
resizes frames of 32-bit integers of which one column or row is large and all else 0. Which of the two comes first
depends on its version and the sizes; a frame of noise tells. The C code adds and rounds in the same order.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.export import infer
from dcanas.export.c99.sources import FIRST, KERNELS
from dcanas.export.c99.steps import Program

LARGEST_SIDE = 4096  # pixels of a frame
ONE = 1 << 22  # a weight of 1, as in Pillow
LARGE = 1 << 29  # of which a weight is read

_HEADER = """{first}#ifndef NETWORK_RESIZE_H
#define NETWORK_RESIZE_H

#include <stdint.h>

/* What the tables of resize.c were made for. */
#define NETWORK_FRAME_HEIGHT {height}
#define NETWORK_FRAME_WIDTH {width}

#ifdef __cplusplus
extern "C" {{
#endif

/* Makes the image that network_run takes.
   frame: rows from the top, pixels from the left, three bytes each: red, green, blue. */
void network_resize_rgb888(const uint8_t *frame, uint8_t *image);

/* The same of two bytes a pixel, as cameras send them: the first holds red and half of green, the second blue. */
void network_resize_rgb565(const uint8_t *frame, uint8_t *image);

#ifdef __cplusplus
}}
#endif

#endif
"""


def add_resize(folder: Path | str, program: Program, height: int, width: int) -> Path:
    """Write `resize.h` and `resize.c` for frames of this size, in pixels, beside the C files of a network.

    Raises `UserError` if the network's file does not say how its images were made, or the frame is too large or small.
    """
    folder = Path(folder)
    weights = frame_weights(_preprocessing(program), height, width)
    tables = [_table(name, *_sparse(matrix)) for name, matrix in zip(("row", "column"), weights, strict=True)]
    inner, outer = ("row", "column") if rows_first(_preprocessing(program), weights) else ("column", "row")
    order = "".join(f"#define {place}_{what.upper()} {value}\n" for place, name in (("INNER", inner), ("OUTER", outer))
                    for what, value in (("taps", f"{name.upper()}_TAPS"), ("weights", f"{name}_weights[{name}]"),
                                        ("step", "NETWORK_FRAME_WIDTH" if name == "row" else "1")))
    code = order + (KERNELS / "resize.c").read_text(encoding="utf-8")
    write_text(folder / "resize.h", _HEADER.format(first=FIRST, height=height, width=width))
    includes = '#include "resize.h"\n\n#include "network.h"\n\n'
    write_text(folder / "resize.c", FIRST + includes + "\n".join([*tables, code]))
    return folder / "resize.c"


def frame_weights(preprocessing: Mapping[str, Any], height: int,
                  width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share that each row of a frame has in each row of the image, and likewise of columns.

    Shape: (rows of the image, rows of the frame), (columns of the image, columns of the frame).
    """
    from PIL import Image

    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise UserError(f"A frame has 1 to {LARGEST_SIDE} pixels a side, got {width}x{height}.")
    found = []
    for axis, size in enumerate((height, width)):
        lines = []
        for number in range(size):
            frame = np.zeros((height, width), np.int32)
            frame[(number, slice(None)) if axis == 0 else (slice(None), number)] = LARGE
            try:
                made = np.asarray(infer.placed(Image.fromarray(frame), preprocessing), np.float64)
            except infer.InputError as error:
                raise UserError(f"A frame of {width}x{height} pixels cannot become the network's image: {error}") \
                    from error
            lines.append((made[:, 0] if axis == 0 else made[0]) / LARGE)
        found.append(np.stack(lines, axis=1))
    return found[0], found[1]


def rows_first(preprocessing: Mapping[str, Any], weights: tuple[NDArray[np.float64], NDArray[np.float64]]) -> bool:
    """Return whether Pillow adds up rows, and rounds, before columns. weights: of `frame_weights`."""
    from PIL import Image

    whole = [np.rint(matrix * ONE).astype(np.int64) for matrix in weights]
    frame = np.random.default_rng(0).integers(0, 256, [matrix.shape[1] for matrix in whole], dtype=np.uint8)
    expected = np.asarray(infer.placed(Image.fromarray(frame), preprocessing))

    def along(axis: int, values: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = whole[0] @ values if axis == 0 else values @ whole[1].T
        return np.clip((sums + ONE // 2) // ONE, 0, 255)

    wrong = [np.count_nonzero(along(1 - axis, along(axis, frame.astype(np.int64))) != expected) for axis in (0, 1)]
    return bool(wrong[0] < wrong[1])


def _preprocessing(program: Program) -> dict[str, Any]:
    try:
        found = json.loads(program.metadata.get("preprocessing", "null"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or list(found.get("size", ())) != list(program.image[1:]) or \
            found.get("channels") != program.image[0] or program.image[0] not in (1, 3):
        raise UserError("The network's file does not say how its images were made; frame= is for the files of a run, "
                        "whose images are grey or have red, green and blue.")
    return found


def _sparse(matrix: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of each row the place of its first weight, and from there as many weights as the longest row has."""
    whole = np.rint(matrix * ONE).astype(np.int64)
    there = whole != 0
    first, end = there.argmax(axis=1), matrix.shape[1] - there[:, ::-1].argmax(axis=1)
    taps = int((end - first).max())
    first = np.minimum(first, matrix.shape[1] - taps)
    return first, np.stack([row[begin:begin + taps] for row, begin in zip(whole, first, strict=True)])


def _table(name: str, first: NDArray[np.int64], weights: NDArray[np.int64]) -> str:
    rows = ",\n".join("    {" + ", ".join(map(str, row)) + "}" for row in weights.tolist())
    begins = textwrap.fill(", ".join(map(str, first.tolist())), 118, initial_indent="    ", subsequent_indent="    ")
    return (f"#define {name.upper()}_TAPS {weights.shape[1]}\n\n"
            f"static const uint16_t first_{name}[{len(first)}] = {{\n{begins}\n}};\n\n"
            f"static const int32_t {name}_weights[{len(first)}][{name.upper()}_TAPS] = {{\n{rows}\n}};\n")
