"""From the command line to settings: the only module that speaks to Hydra."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.basics.keys import plain
from dcanas.basics.resources import resource_folder
from dcanas.pipeline.settings import RunOptions, Settings, from_mapping
from dcanas.report.record import check_version
from dcanas.spaces.user_file import file_hash, load_space_file

GROUPS = ("space", "data", "search", "train", "experiment")
FREE = ("budget", "default_budget", "space.final_skeleton", "space.search_skeleton",
        "search.weights")  # keys checked by those who know
LITERAL = ("space.file", "data.root", "data.group_by", "train.init", "train.distillation.weights", "run.dir",
           "run.root", "source", "architecture", "list", "against", "onnx", "deploy.images",
           "deploy.folder")  # taken as typed


def choices(group: str) -> list[str]:
    """Return the names a configuration group offers."""
    return sorted(p.stem for p in (resource_folder("conf") / group).glob("*.yaml") if not p.stem.startswith("_"))


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
    values: dict[str, Any] = OmegaConf.to_container(made, resolve=True)  # type: ignore[assignment]
    asked = {key: values.pop(key) for key in own_keys(command) if key != "default_budget"}
    run, name, source = values.pop("run"), values.pop("name"), values.pop("source")
    run["deploy"] = values.pop("deploy")
    values.pop("experiment", None)
    values["budget"] = _budget(values["budget"], values.pop("default_budget"))
    stated = [override.key_or_group for override in _parse(overrides)]
    values["search"] = _of_this_search(values["search"], stated)
    if "file" in values["space"]:
        values["space"] = _from_file(values["space"])
    if source is not None:
        if "experiment" in stated:
            raise UserError("experiment= states all settings and source= takes those of a finished run; drop one.")
        values = _taken_over(stored_settings(Path(source).expanduser()), values, stated)
    if "name" not in stated:
        name = f"{values['data']['name']}-{values['space']['name']}"
    places = {"source": source, "dir": run["dir"], "root": run["root"]}
    expanded = {key: str(Path(value).expanduser()) if value else value for key, value in places.items()}
    options = from_mapping(RunOptions, {**run, **expanded, "name": str(name), "asked": asked}, "run")
    return from_mapping(Settings, values), options


def _of_this_search(search: dict[str, Any], stated: Sequence[str]) -> dict[str, Any]:
    """Leave out what a data set or space suits in other searches than the one chosen; what was typed stays."""
    folder = resource_folder("conf") / "search"
    found = [path for path in (folder / f"{mark}{search['name']}.yaml" for mark in ("", "_")) if path.is_file()]
    if not found:
        return search  # refused by name later
    own = yaml.safe_load(found[0].read_text(encoding="utf-8"))
    return {key: value for key, value in search.items() if key in own or f"search.{key}" in stated}


def _from_file(space: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a space from the user's own file: its name and hash are read from there."""
    if space["file"] is None:
        raise UserError("space=file needs space.file=FILE.py, a Python file that defines one space.")
    path = Path(space["file"]).expanduser().resolve()
    return {**space, "name": load_space_file(path).name, "file": str(path), "file_sha256": file_hash(path)}


def own_keys(command: str) -> dict[str, Any]:
    """Return what a command asks beside the settings of a run, with defaults: `conf/command/<command>.yaml`."""
    path = resource_folder("conf") / "command" / f"{command}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def composed(overrides: Sequence[str], command: str = "run") -> DictConfig:
    """Return the composed configuration, before any of our own checks but that names exist."""
    own = own_keys(command)
    parsed = _parse(overrides)
    own |= {override.key_or_group: override.value() for override in parsed if override.key_or_group in own}
    overrides = [text for text in overrides if text.partition("=")[0] not in own]
    with initialize_config_dir(str(resource_folder("conf")), version_base="1.3"):
        try:
            _check_choices(parsed)
            overrides = [_for_hydra(text) for text in overrides if text != "experiment=null"]
            groups = [text for text in overrides if text.partition("=")[0].partition("@")[0] in GROUPS]
            there = OmegaConf.to_container(compose("config", groups))  # groups decide which keys there are
            known = [*own, *_keys(there)]
            for override in parsed:
                _check(override, known)
            with open_dict(made := compose("config", overrides)):
                made.merge_with(own)
            return made
        except (HydraException, OmegaConfBaseException) as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise UserError(f"The settings cannot be put together: {reason}") from error


def shown(overrides: Sequence[str], command: str = "run") -> str:
    """Return the composed configuration as YAML, without what is suited to other searches than the one chosen."""
    made = composed(overrides, command)
    stated = [override.key_or_group for override in _parse(overrides)]
    with open_dict(made):
        made.search = _of_this_search(OmegaConf.to_container(made.search), stated)  # type: ignore[arg-type]
    return OmegaConf.to_yaml(made)


def stored_settings(folder: Path) -> dict[str, Any]:
    """Return the settings a run directory was made with; raises `UserError` where it is none.

    A setting that did not exist yet when the run was made has its default, which is what the run did.
    """
    path = folder / "settings.yaml"
    if not path.is_file():
        raise UserError(f"{folder} is no run directory: it has no settings.yaml.")
    check_version(folder)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict):
        raise UserError(f"{path} is damaged; the run cannot be continued from it, choose another directory.")
    return plain(from_mapping(Settings, values))


def store_settings(folder: Path, settings: Settings) -> None:
    write_text(folder / "settings.yaml", yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True))


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


def _for_hydra(text: str) -> str:
    """Let costs and skeleton options be added freely: our own checks know them better than Hydra does.

    An experiment speaks of all groups; saying so here leaves its file's first line to the command.
    """
    if text.startswith("experiment="):
        return text.replace("=", "@_global_=", 1)
    return f"++{text}" if text.partition("=")[0].startswith(FREE) else _quoted(text)


def _check_choices(overrides: Sequence[Override]) -> None:
    """Raise for a group choice that does not exist, with the nearest one that does."""
    for override in overrides:
        key, choice = override.key_or_group, (override.input_line or "").partition("=")[2]
        if key in GROUPS and choice not in choices(key) and not (key == "experiment" and choice == "null"):
            raise unknown(key, choice, choices(key))


def _check(override: Override, known: Sequence[str]) -> None:
    """Raise for a key that does not exist, with the nearest one that does."""
    key = override.key_or_group
    if key not in GROUPS and key not in known and not any(key == free or key.startswith(f"{free}.") for free in FREE):
        raise unknown("setting", key, [*known, *GROUPS, "budget.params"])


def _keys(config: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all settings."""
    for name, value in config.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{name}.")


def _taken_over(stored: dict[str, Any], values: dict[str, Any], stated: Sequence[str]) -> dict[str, Any]:
    """Return the settings of the source with what the command line stated put in their place."""
    for key in stated:
        first, *rest = key.split(".")
        if first not in values:
            continue  # says where and how, no setting
        if not rest or first == "budget":  # a stated budget replaces the source's as a whole
            stored[first] = values[first]
            continue
        there, here = stored[first], values[first]
        for name in rest[:-1]:
            there, here = there.setdefault(name, {}), here[name]
        there[rest[-1]] = here[rest[-1]]
    return stored


def _budget(stated: Any, default: Any) -> dict[str, Any]:
    """Return the limits stated, flattened (`eyeriss.latency_ms`), or the default ones where none is."""
    if isinstance(stated, str) and stated.lower() == "none":
        return {}
    return dict(_flatten(stated or default or {}))


def _flatten(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(values, dict):
        raise UserError(f"The budget must name costs (budget.params=100000) or be none, got {values!r}.")
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
