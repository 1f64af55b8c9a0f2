"""Pickles as data: containers, numbers, texts and numpy arrays are read; anything else is refused, and nothing runs."""

from __future__ import annotations

import collections
import io
import pickle
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """Stand in for `_codecs.encode`, by which old protocols write bytes; no other codec is a number's."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the codec {encoding!r} is not for numbers")
    return text.encode("latin1")


_MULTIARRAY = np.zeros(1).__reduce__()[0]  # numpy's own maker of arrays, wherever this version keeps it
_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
_SCALAR = np.float64(0).__reduce__()[0]
ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (set, frozenset)},
    ("_codecs", "encode"): _latin1,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _MULTIARRAY for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _BUFFER for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ADMITTED[module, name]


def read_pickle(content: bytes, where: str) -> Any:
    """Return the value; raises `UserError` in one sentence for whatever is no plain data."""
    try:
        return _Reader(io.BytesIO(content)).load()
    except Exception as error:  # a damaged pickle raises nearly anything
        raise UserError(f"{where} is no pickle of containers, numbers and numpy arrays ({error}); nothing in it was "
                        "run: take the published file.") from error
