"""The command line of the importers: SOURCE FOLDER, one sentence for what cannot be used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from dcanas.basics.errors import UserError


def run_importer(text: str, convert: Callable[[Path, Path], Iterable[Path]]) -> int:
    """Return the exit code of `convert(source, folder)`, whose files are printed; text: the tool's docstring."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        for path in convert(options.source, options.folder):
            print(path)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
