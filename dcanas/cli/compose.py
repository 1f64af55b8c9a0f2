"""From the command line to settings: Hydra's grammar, OmegaConf's interpolation, the layers of `pipeline.presets`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dcanas.basics.errors import UserError
from dcanas.basics.fields import described
from dcanas.basics.keys import plain
from dcanas.basics.mapping import from_mapping
from dcanas.basics.resources import resource_folder
from dcanas.cli.settings_page import settings_page
from dcanas.pipeline.preset_files import GROUPS, preset_names, presets
from dcanas.pipeline.presets import change, explain_limits, make_settings
from dcanas.pipeline.settings import RunOptions, Settings, stored_settings
from dcanas.search.searches import settings_class

LITERAL = ("space.file", "search.file", "data.root", "data.group_by", "train.init", "train.distillation.weights",
           "run.dir", "run.root", "source", "architecture", "list", "against", "onnx", "deploy.images",
           "deploy.folder")  # taken as typed


@dataclass(frozen=True)
class Composed:
    """What a command line asks.

    Attributes:
        settings: of the run, complete, as nested dictionaries.
        options: where and how, by the keys of the command line.
        asked: values of the command's own keys (`conf/command/COMMAND.yaml`).
        notes: what stated limits mean, for display.
    """

    settings: dict[str, Any]
    options: dict[str, Any]
    asked: dict[str, Any]
    notes: list[str]


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
    made = composed(overrides, command)
    options = {key: str(Path(value).expanduser()) if value and key in ("source", "run.dir", "run.root") else value
               for key, value in made.options.items()}
    folder = options["run.dir"] or options["source"]
    settings = make_settings(made.settings, Path(folder) if folder else None)
    if options["name"] is None:
        options["name"] = f"{settings.data.name}-{settings.space.name}"
    values: dict[str, Any] = {"asked": made.asked, "notes": made.notes, "deploy": {}}
    for key, value in options.items():
        (values["deploy"] if key.startswith("deploy.") else values)[key.rpartition(".")[2]] = value
    return settings, from_mapping(RunOptions, {**values, "name": str(values["name"])}, "run")


def composed(overrides: Sequence[str], command: str = "run") -> Composed:
    """Return what a command line asks, before any check but that names exist."""
    own, options = own_keys(command), option_defaults()
    choices: dict[str, str] = {}
    changes = {"default_budget": own.pop("default_budget")} if "default_budget" in own else {}
    for override in _parse(overrides):
        key = override.key_or_group
        if key in GROUPS:
            choices[key] = (override.input_line or "").partition("=")[2]
        else:
            (own if key in own else options if key in options else changes)[key] = override.value()
    stated = presets(choices) if options["source"] is None else _taken_over(Path(options["source"]), choices, changes)
    return _resolved(Composed(change(stated, changes, [*own, *options]), options, own, explain_limits(changes)))


def option_defaults() -> dict[str, Any]:
    """Return the keys that say where and how a run is done, with defaults."""
    return {key: plain(default) for key, default, *_ in described_options()}


def described_options() -> Iterator[tuple[str, Any, str, str]]:
    """Yield key, default, allowed values and help of what says where and how a run is done."""
    for key, *about in described(RunOptions, "run"):
        top = key.startswith("run.deploy.") or key in ("run.name", "run.source")
        yield key.removeprefix("run.") if top else key, *about


def shown(overrides: Sequence[str], command: str = "run") -> str:
    """Return the settings that a command line asks for as YAML, with the help of each."""
    made = composed(overrides, command)
    of_search = described(settings_class(str(made.settings["search"]["name"])), "search")
    return settings_page(_tree(made), [*described(Settings), *of_search, *described_options()])


def own_keys(command: str) -> dict[str, Any]:
    """Return what a command asks beside the settings of a run, with defaults: `conf/command/<command>.yaml`."""
    path = resource_folder("conf") / "command" / f"{command}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def _taken_over(source: Path, choices: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a finished run with the presets that were typed in the place of its own.

    A stated budget replaces the source's as a whole.
    """
    if "experiment" in choices:
        raise UserError("experiment= states all settings and source= takes those of a finished run; drop one.")
    stored = stored_settings(source.expanduser())
    its = {group: stored[group]["name"] for group in ("space", "data") if stored[group]["name"] in preset_names(group)}
    chosen = presets({**its, **choices})
    budget = {"budget": {}} if any(key.partition(".")[0] == "budget" for key in changes) else {}
    return {**stored, **{group: chosen[group] for group in choices}, **budget}


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
