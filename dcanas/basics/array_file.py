"""Arrays in npz files: what they say of their sizes is held against their bytes before memory is taken for them."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

FAULTS = (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile, NotImplementedError)


def require_as_said(path: Path, most: int) -> None:
    """Check that the arrays of an npz file are as large as their headers say.

    Args:
        path: the file; nothing in it is unpickled.
        most: bytes that all arrays may have together.

    Raises:
        ValueError: an array says that it is larger than it is, or all are larger than `most`; one of `FAULTS` if it
            is no such file.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if (size := sum(member.file_size for member in members)) > most:
            raise ValueError(f"{size:,} bytes unfolded, more than {most >> 20:,} MiB")
        for member in members:
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else \
                    np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
                if math.prod(shape) * dtype.itemsize > member.file_size:
                    raise ValueError(f"{member.filename} says that it is {shape} of {dtype}, for which it has too few "
                                     "bytes")
