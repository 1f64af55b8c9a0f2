"""Hydra's grammar of overrides: read, and spread over the runs of a sweep."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException

from dcanas.basics.errors import UserError
from dcanas.basics.fields import join, type_hints
from dcanas.basics.typed_path import typed_path
from dcanas.pipeline.configure import PATHS
from dcanas.pipeline.preset_files import GROUPS, preset_names
from dcanas.pipeline.settings import Options, Settings

LITERAL = (*PATHS, "data.group_by")  # taken as typed
SEARCHPATH = "hydra.searchpath"
OF_HYDRA = {  # beginning of a key -> what is typed here
    "hydra.run": "run.dir=DIR is the directory of a run",
    "hydra.sweep": "run.root=DIR is the folder of the directories of all runs",
    "hydra.job": "name=NAME begins the name of a run's directory",
    "hydra/launcher": "the runs of -m follow each other, each spread over machines by run.engine=dask:ADDRESS",
    "hydra/sweeper": "-m takes lists, range(), choice() and glob(); to search settings, use a study (search=random)",
    "hydra.verbose": "run.progress=plain prints a line per step",
    "hydra": f"only {SEARCHPATH}=[DIR] is",
}


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """Return one list of overrides per combination of the values of sweeps."""
    columns, parsed = [], parse(overrides)
    keys = Counter(override.key_or_group for override in parsed)
    for text, override in zip(overrides, parsed, strict=True):
        if override.is_sweep_override() and keys[override.key_or_group] > 1:
            raise UserError(f"{override.key_or_group} is given twice, once with several values; leave out one.")
        try:
            columns.append([text] if not override.is_sweep_override() else
                           [f"{override.get_key_element()}={value}" for value in _swept(override)])
        except HydraException as error:
            raise _unreadable(text) from error
    return [list(combination) for combination in itertools.product(*columns)]


def sweeps(overrides: Sequence[str]) -> bool:
    """Return whether a value of the overrides is one of a sweep, which needs `-m`."""
    return any(override.is_sweep_override() for override in parse(overrides))


def searchpath(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the folders that `hydra.searchpath` names, and the other overrides."""
    own: list[str] = []
    others: list[str] = []
    for text in overrides:
        (own if text.lstrip("+").partition("=")[0] == SEARCHPATH else others).append(text)
    folders: list[str] = []
    for override in parse(own, allowed=SEARCHPATH):
        value = override.value()
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str) or each.startswith(("pkg://", "structured://")):
                raise UserError(f"{SEARCHPATH} takes folders, [file://DIR], got {each!r}.")
            folders.append(each.removeprefix("file://"))
    return folders, others


def parse(overrides: Sequence[str], allowed: str = "") -> list[Override]:
    """Return overrides as Hydra reads them; allowed: a key of Hydra's own that may be among them.

    Raises:
        UserError: one is no override, cannot be read, or is of a part of Hydra that means nothing here.
    """
    parser, parsed = OverridesParser.create(), []
    for text in overrides:
        key, equals, _ = text.lstrip("+").partition("=")
        deletes = text.startswith("~")
        key = key.removeprefix("~")
        if not (equals or deletes) or not key or not (key[0].isalpha() or key[0] == "_"):
            raise UserError(f"Expected key=value, got {text!r}; `dcanas --help` shows the options.")
        if re.match(r"hydra[./]", key) and key != allowed:
            said = next(word for start, word in OF_HYDRA.items() if key.startswith(start))
            raise UserError(f"{key} is not used here: {said}.")
        parsed.append(_parsed(parser, text, key))
        if text.startswith("++") and key in GROUPS:
            raise UserError(f"A preset is chosen, not added: write {text.removeprefix('++')}.")
    return parsed


def _parsed(parser: OverridesParser, text: str, key: str) -> Override:
    try:
        return parser.parse_overrides([_quoted(text) if key in LITERAL else text])[0]
    except HydraException as error:
        if key in _texts() or key in GROUPS:  # a text that Hydra has no grammar for is taken as typed
            try:
                return parser.parse_overrides([_in_quotes(text)])[0]
            except HydraException:
                pass
        raise _unreadable(text) from error


def _swept(override: Override) -> Iterator[str]:
    """Yield the values of a sweep; a pattern stands for names of presets."""
    value = override.value()
    if not isinstance(value, Glob):
        yield from override.sweep_string_iterator()
        return
    group = override.key_or_group
    if group not in GROUPS:
        raise UserError(f"glob() stands for names of presets, so for {', '.join(GROUPS)}; got {override.input_line}.")
    names = value.filter(preset_names(group))
    if not names:
        raise UserError(f"No {group} has a name like {override.input_line}; `dcanas list` shows them.")
    yield from names


def _unreadable(text: str) -> UserError:
    key, _, value = text.partition("=")
    return UserError(f"The value in {text!r} cannot be read: expected one value, a list [A,B] or, with -m, values A,B; "
                     f"put a text with special characters in quotes of its own, \"{key}='{value}'\".")


def _quoted(text: str) -> str:
    """Return the override with a path or pattern in quotes, so that its characters mean nothing to Hydra.

    A comma in a path that does not exist separates the values of a sweep, as everywhere.
    """
    _, _, value = text.partition("=")
    sweep = "," in value and not typed_path(value).exists()
    return text if sweep or value in ("", "null") or value[0] in "'\"" else _in_quotes(text)


def _in_quotes(text: str) -> str:
    key, _, value = text.partition("=")
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"{key}='{escaped}'"


@cache
def _texts() -> tuple[str, ...]:
    """Return the keys of all settings and options that hold a text."""
    return (*_texts_of(Settings, ""), *_texts_of(Options, ""))


def _texts_of(kind: type, group: str) -> Iterator[str]:
    for f in fields(kind):
        hint = type_hints(kind)[f.name]
        if is_dataclass(hint):
            yield from _texts_of(hint, join(group, f.name))  # type: ignore[arg-type]
        elif hint in (str, str | None):
            yield join(group, f.name)
