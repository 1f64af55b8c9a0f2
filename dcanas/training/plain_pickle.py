"""Reads pickled numbers, texts, containers and numpy arrays, and nothing else: nothing of the file is executed."""

from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for `_codecs.encode`, by which Python 3 writes bytes in the old protocols."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding!r}")
    return text.encode("latin1")


def _array(kind: type, shape: Any, code: Any) -> np.ndarray:
    """Stand in for numpy's `_reconstruct`: an empty array, which then gets its type, shape and content."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"an array of kind {kind!r}")
    return np.ndarray((0,), np.uint8)


def _data_type(code: Any, *flags: Any) -> np.dtype:
    """Stand in for `numpy.dtype`: numbers alone, no objects."""
    kind = np.dtype(code, False, True)  # a copy, for the file may set its state
    if kind.kind not in "biuf":
        raise pickle.UnpicklingError(f"arrays of {kind}")
    return kind


_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (set, frozenset)},
    ("_codecs", "encode"): _latin1, ("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): _data_type,
    **{(module, "_reconstruct"): _array for module in _MULTIARRAY},
    **{(module, "scalar"): np.int64(0).__reduce__()[0] for module in _MULTIARRAY},
    **{(f"numpy.{core}.numeric", "_frombuffer"): np.zeros(1).__reduce_ex__(5)[0] for core in ("core", "_core")},
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return _ADMITTED[module, name]


def read_plain_pickle(content: bytes, source: Path) -> Any:
    """Return the content of a pickle of plain data; text of Python 2 is read as Latin-1.

    Args:
        content: the bytes of the pickle.
        source: the file that they come from, for the error.

    Raises `UserError` if they are damaged or hold anything else.
    """
    try:
        return _Reader(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{source} is damaged or holds more than plain numbers, texts and arrays ({reason}); nothing "
                        "of it was executed: download it again.") from error
