"""From the command line to settings: Hydra's grammar, OmegaConf's interpolation, the layers of `pipeline.presets`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dcanas.basics.errors import UserError
from dcanas.basics.fields import described
from dcanas.cli.settings_page import settings_page
from dcanas.pipeline.command_options import own_defaults
from dcanas.pipeline.configure import Composed, composed, configured
from dcanas.pipeline.preset_files import GROUPS
from dcanas.pipeline.settings import RunOptions, Settings, described_options
from dcanas.search.searches import settings_class

LITERAL = ("space.file", "search.file", "proxies.file", "data.root", "data.group_by", "train.init",
           "train.distillation.weights", "run.dir", "run.root", "source", "architecture", "list", "against", "onnx",
           "deploy.images", "deploy.folder")  # taken as typed


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """Return one list of overrides per combination of the comma-separated values (`-m`)."""
    columns = []
    for text, override in zip(overrides, _parse(overrides), strict=True):
        try:
            values = list(override.sweep_string_iterator()) if override.is_sweep_override() else None
        except HydraException as error:
            raise _unreadable(text) from error
        columns.append([text] if values is None else [f"{text.partition('=')[0]}={value}" for value in values])
    return [list(combination) for combination in itertools.product(*columns)]


def configure(overrides: Sequence[str], command: str = "run") -> tuple[Settings, RunOptions]:
    """Return settings and run options; raises `UserError` in one sentence for anything that does not exist."""
    return configured(_resolved(_typed(overrides, command)))


def shown(overrides: Sequence[str], command: str = "run") -> str:
    """Return the settings that a command line asks for as YAML, with the help of each."""
    made = _resolved(_typed(overrides, command))
    of_search = described(settings_class(str(made.settings["search"]["name"])), "search")
    return settings_page(_tree(made), [*described(Settings), *of_search, *described_options()])


def _typed(overrides: Sequence[str], command: str) -> Composed:
    """Return what a command line asks, with every `${...}` as it was typed."""
    choices: dict[str, str] = {}
    stated: dict[str, Any] = {}
    for override in _parse(overrides):
        key = override.key_or_group
        if key in GROUPS:
            choices[key] = (override.input_line or "").partition("=")[2]
        else:
            stated[key] = override.value()
    return composed(choices, stated, own_defaults(command))


def _resolved(made: Composed) -> Composed:
    """Return the values with every `${...}` replaced by what it stands for."""
    tree = _tree(made)
    if "${" not in str(tree):
        return made
    try:
        values: Any = OmegaConf.to_container(OmegaConf.create(tree), resolve=True)
    except OmegaConfBaseException as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise UserError(f"The settings cannot be put together: {reason}") from error
    return Composed({key: values[key] for key in made.settings},
                    {key: _at(values, key) for key in made.options}, {key: values[key] for key in made.asked},
                    made.notes)


def _tree(made: Composed) -> dict[str, Any]:
    """Return all that a command line asks as nested dictionaries."""
    tree = {"name": None, **made.settings, **made.asked, "run": dict(made.settings["run"])}
    for key, value in made.options.items():
        group, _, name = key.rpartition(".")
        (tree.setdefault(group, {}) if group else tree)[name] = value
    return tree


def _at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values


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
    sweep = "," in value and not Path(value).expanduser().exists()
    if key not in LITERAL or sweep or value in ("", "null") or value[0] in "'\"":
        return text
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"{key}='{escaped}'"
