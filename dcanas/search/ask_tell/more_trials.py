"""More trials than a study was first asked for: it goes on in its storage, or in a copy beside the earlier search."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

ASKED = "search.evaluations"
DATABASE = "study.db"


def asks_for_more(there: Mapping[str, Any], stated: Mapping[str, Any]) -> bool:
    """Return whether the settings of a study are those stated, with fewer trials or as many.

    Args:
        there: the stored settings, by dotted key, as JSON types.
        stated: those of this run.
    """
    before, now = there.get(ASKED), stated.get(ASKED)
    more = isinstance(before, int) and isinstance(now, int) and before <= now
    return more and {**there, ASKED: now} == stated


def go_on_from_earlier(folder: Path, name: str, stated: Mapping[str, Any]) -> bool:
    """Copy the study of a search of the same run directory that was asked for fewer trials, if there is one.

    Args:
        folder: of the search, beside those of the earlier ones.
        name: of the study.
        stated: settings of the study (see `asks_for_more`).

    Returns:
        Whether a study was copied; never if the folder has one.
    """
    target = folder / DATABASE
    earlier = {path: found for path in folder.parent.glob(f"search*/{DATABASE}")
               if (found := _settings(path, name)) and asks_for_more(found, stated)}
    if target.exists() or not earlier:
        return False
    part = target.with_name(f".{DATABASE}.{os.getpid()}")
    source = max(earlier, key=lambda path: earlier[path][ASKED])
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
        old.backup(new)
    part.replace(target)
    return True


def _settings(path: Path, name: str) -> dict[str, Any] | None:
    """Return the settings that a study in a SQLite file was made with; None if there are none."""
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as database:
            row = database.execute("SELECT value_json FROM study_user_attributes JOIN studies USING (study_id) "
                                   "WHERE study_name = ? AND key = 'settings'", (name,)).fetchone()
        found = json.loads(row[0]) if row else None
    except (sqlite3.Error, ValueError):
        return None
    return found if isinstance(found, dict) else None
