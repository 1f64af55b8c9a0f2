"""Names that people give to the folders of their splits."""

from __future__ import annotations

import re
import unicodedata

_BASES = {"train": "train|training|trn", "validation": "val|valid|validation|validate|dev",
          "test": "test|testing|tst|eval|evaluation|holdout|hold_out"}
_OTHER = "set|sets|data|dataset|images|imgs|img|image|split|folder"
_NAMED = "|".join(f"(?P<{part}>{bases})" for part, bases in _BASES.items())
_SPLIT = re.compile(rf"(?:(?:seg|my|data|dataset|images|imgs|the)_?)?(?:{_NAMED})(?:_?(?:{_OTHER}))*(?:_?\d+)?")
_FOLD = re.compile(r"(?:[a-z]+_)?(?:k_?fold|folds?|cv|split|partition)_?\d+")
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


def is_fold(name: str) -> bool:
    """Return whether a folder of this name holds a part of a cross-validation."""
    return _FOLD.fullmatch(plain_name(name)) is not None


def says_nothing(name: str) -> bool:
    """Return whether a name is that of views, dates or numbers, which are rarely classes."""
    return _SAYS_NOTHING.fullmatch(plain_name(name)) is not None
