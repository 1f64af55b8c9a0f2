"""Results of finished trials that the storage does not have yet, as files: nothing is trained twice."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json


@dataclass(frozen=True)
class Untold:
    """A folder with one file per proposal whose trial has ended and is not told.

    Attributes:
        study: name of the study, and the key of its settings.
    """

    folder: Path
    study: str

    def keep(self, position: int, found: dict[str, Any]) -> None:
        """Store the result of a proposal, as JSON types; found["architecture"]: its notation."""
        write_json(self._path(position), {"study": self.study, **found})

    def of(self, position: int, architecture: str) -> dict[str, Any] | None:
        """Return the stored result of a proposal, None if there is none.

        Raises:
            UserError: the file is damaged; the message names it.
        """
        path = self._path(position)
        if not path.exists():
            return None
        found = read_json(path)
        if not isinstance(found, dict) or not _is_result(found):
            raise UserError(f"{path} is damaged (no result of a trial); delete it and run the command again.")
        return found if (found["study"], found["architecture"]) == (self.study, architecture) else None

    def drop(self, position: int) -> None:
        """Remove a result that was told."""
        self._path(position).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder if nothing is left in it."""
        with suppress(OSError):
            self.folder.rmdir()

    def _path(self, position: int) -> Path:
        return self.folder / f"{position}.json"


def _is_result(found: dict[str, Any]) -> bool:
    values = found.get("values")
    return isinstance(found.get("record"), dict) and isinstance(found.get("excess"), dict) and \
        {"study", "architecture", "values"} <= found.keys() and \
        (values is None or (isinstance(values, list) and all(type(v) in (int, float) for v in values)))


def finite(value: Any) -> Any:
    """Return JSON types with None in place of NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
