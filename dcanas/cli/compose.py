"""From the command line to settings: Hydra's grammar, OmegaConf's interpolation, the layers of `pipeline.configure`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dcanas.basics.errors import UserError
from dcanas.basics.fields import described
from dcanas.basics.typed_path import typed_path
from dcanas.cli.settings_page import settings_page
from dcanas.pipeline.command_options import COMMAND_OPTIONS
from dcanas.pipeline.configure import PATHS, composed, configured
from dcanas.pipeline.preset_files import GROUPS
from dcanas.pipeline.settings import Options, Settings
from dcanas.search.searches import settings_class

LITERAL = (*PATHS, "data.group_by")  # taken as typed


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """Return one list of overrides per combination of comma-separated values (`-m`)."""
    columns = []
    for text, override in zip(overrides, _parse(overrides), strict=True):
        try:
            values = list(override.sweep_string_iterator()) if override.is_sweep_override() else None
        except HydraException as error:
            raise _unreadable(text) from error
        columns.append([text] if values is None else [f"{text.partition('=')[0]}={value}" for value in values])
    return [list(combination) for combination in itertools.product(*columns)]


def configure(overrides: Sequence[str], command: str = "run") -> tuple[Settings, Options]:
    """Return the settings and options that a command line states; raises `UserError` if it cannot be used."""
    return configured(*_composed(overrides, command), COMMAND_OPTIONS.get(command))


def shown(overrides: Sequence[str], command: str = "run") -> str:
    """Return the settings and options that a command line states as YAML, with the help of each."""
    values, _ = _composed(overrides, command)
    of_search = described(settings_class(str(values["search"]["name"])), "search")
    return settings_page(values, [*described(Settings), *of_search, *described(Options)])


def _composed(overrides: Sequence[str], command: str) -> tuple[dict[str, Any], list[str]]:
    """Return what a command line states (see `composed`), with every `${...}` replaced by what it refers to."""
    choices: dict[str, str] = {}
    stated: dict[str, Any] = {"default_budget": None} if command == "score" else {}  # stated limits restrict its draws
    for override in _parse(overrides):
        key = override.key_or_group
        if key in GROUPS:
            choices[key] = (override.input_line or "").partition("=")[2]
        else:
            stated[key] = override.value()
    values, notes = composed(choices, stated, COMMAND_OPTIONS.get(command))
    if "${" in str(values):
        try:
            values = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(values), resolve=True))
        except OmegaConfBaseException as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise UserError(f"The settings cannot be put together: {reason}") from error
    return values, notes


def _parse(overrides: Sequence[str]) -> list[Override]:
    parser = OverridesParser.create()
    parsed = []
    for text in overrides:
        key, equals, _ = text.partition("=")
        if not equals or not key or not (key[0].isalpha() or key[0] == "_"):
            raise UserError(f"Expected key=value, got {text!r}; `dcanas --help` shows the options.")
        try:
            parsed += parser.parse_overrides([_quoted(text)])
        except HydraException as error:
            raise _unreadable(text) from error
    return parsed


def _unreadable(text: str) -> UserError:
    key, _, value = text.partition("=")
    return UserError(f"The value in {text!r} cannot be read: expected one value, a list [A,B] or, with -m, values A,B; "
                     f"put a text with special characters in quotes of its own, \"{key}='{value}'\".")


def _quoted(text: str) -> str:
    """Return the override with a path or pattern in quotes, so that its characters mean nothing to Hydra.

    A comma in a path that does not exist separates the values of a sweep, as everywhere.
    """
    key, _, value = text.partition("=")
    sweep = "," in value and not typed_path(value).exists()
    if key not in LITERAL or sweep or value in ("", "null") or value[0] in "'\"":
        return text
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"{key}='{escaped}'"
