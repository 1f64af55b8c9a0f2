"""What importers of published tables share: entries looked up, tables written whole."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_bytes
from dcanas.spaces import load_space


def entry(content: Any, path: Path, keys: Sequence[str], what: str) -> Any:
    """Return content[key][key]...; raises `UserError` naming the first keys that are missing.

    Args:
        what: the file that was expected, for the error.
    """
    for depth, key in enumerate(keys, start=1):
        if not isinstance(content, Mapping) or key not in content:
            raise UserError(f"{path} lacks {'/'.join(keys[:depth])}: it is not {what}.")
        content = content[key]
    return content


def notations() -> list[str]:
    """Return the notation of all NAS-Bench-201 codes in the benchmark's order."""
    space = load_space("nasbench201")
    return [space.format(arch) for arch in space.enumerate()]


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a gzip-compressed CSV whole, and print its path; equal rows give equal bytes."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_bytes(path, gzip.compress(text.getvalue().encode("utf-8"), mtime=0))
    print(path)
