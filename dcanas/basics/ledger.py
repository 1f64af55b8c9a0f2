"""Results that are stored before they are used, so that work that was cut off never repeats them."""

from __future__ import annotations

from collections import UserDict
from pathlib import Path
from typing import Any

from dcanas.basics.files import read_json, write_json


class Ledger(UserDict[str, Any]):
    """A dictionary of JSON values that begins with the content of a file, which is rewritten on every new entry.

    Args:
        path: the JSON file, which need not exist yet.

    Raises `UserError` if the file is damaged or cannot be written.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        if path.exists():
            self.data = read_json(path)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        write_json(self.path, self.data)
