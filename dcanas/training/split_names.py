"""Names that people give to the folders of their splits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_BASES = {"train": "train|training|trn", "validation": "val|valid|validation|validate|dev",
          "test": "test|testing|tst|eval|evaluation|holdout|hold_out"}
_OTHER = "set|sets|data|dataset|images|imgs|img|image|split|folder"
_NAMED = "|".join(f"(?P<{part}>{bases})" for part, bases in _BASES.items())
_SPLIT = re.compile(rf"(?:(?:seg|my|data|dataset|images|imgs|the)_?)?(?:{_NAMED})(?:_?(?:{_OTHER}))*(?:_?\d+)?")
_JOINED = re.compile(rf"(?:(?P<before>.+)_)?(?:{_NAMED})(?:_?(?:{_OTHER}))*(?:_(?P<after>.+)|(?P<letter>[a-z\d]))?")
_FOLD = re.compile(r"(?:[a-z]+_)?(?:k_?fold|folds?|cv|split|partition|batch|part|chunk|shard|subset)_?\d+")
_SAYS_NOTHING = re.compile(
    r"(?:images?|imgs?|pictures?|pics?|photos?|jpe?gs?|pngs?|frames?|raw|rgb|grey|gray|colou?r|edited|originals?|processed|"
    r"cropped|crops?|resized|augmented|aug|left|right|front|back|rear|top|bottom|side|above|below|up|down|north|south|"
    r"east|west|indoors?|outdoors?|inside|outside|day|night|morning|noon|evening|spring|summer|autumn|fall|winter|small|"
    r"medium|large|big|near|far|new|old|clean|dirty|wet|dry|male|female|"
    r"jan\w*|feb\w*|mar\w*|apr\w*|may|june?|july?|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*|[a-z]|"
    r"(?:[a-z]+_?)?\d[\d_.]*[a-z]?)")  # of views, dates, numbers


def plain_name(name: str) -> str:
    """Return a name without differences of case, Unicode form and separators."""
    return re.sub(r"[\s\-]+", "_", unicodedata.normalize("NFC", name).strip().lower())


def split_of(name: str) -> str | None:
    """Return the split that a folder of this name holds: train, validation or test; None if it names no split."""
    found = _SPLIT.fullmatch(plain_name(name))
    return found.lastgroup if found else None


def joined_splits(names: Iterable[str]) -> list[str]:
    """Return names that are a split and something else (`train_cat` and `test_cat`, `trainA` and `testA`), sorted.

    They name splits only together: that of what is learnt from, and another one of the same thing.
    """
    parts: dict[tuple[str, str], dict[str, str]] = {}
    for name in sorted(names):
        found = _JOINED.fullmatch(plain_name(re.sub(r"(?<=[a-z\d])(?=[A-Z][a-z])", "_", name)))
        if found and (found["before"] or found["after"] or found["letter"]):
            thing = found["before"] or "", found["after"] or found["letter"] or ""
            parts.setdefault(thing, {})[next(part for part in _BASES if found[part])] = name
    return sorted(name for of in parts.values() if "train" in of and len(of) > 1 for name in of.values())


def like_name(name: str) -> str:
    """Return a name without what is easily overlooked: case, blanks, dashes, invisible characters, wide letters."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in text if not (c.isspace() or c in "-_\u2010\u2011\u2012\u2013\u2014"
                                           or unicodedata.category(c) in ("Cf", "Cc"))) or name


def is_fold(name: str) -> bool:
    """Return whether a folder of this name holds a part of a cross-validation."""
    return _FOLD.fullmatch(plain_name(name)) is not None


def says_nothing(name: str) -> bool:
    """Return whether a name is that of views, dates or numbers, which are rarely classes."""
    return _SAYS_NOTHING.fullmatch(plain_name(name)) is not None
