"""The presets in `conf/`, a tree that Hydra reads in the same way: groups of YAML files, layered as config.yaml says.

A file may begin with `# @package _global_` (its keys are those of all settings, not of its group) and name others in
`defaults`: files of its group that it builds on, `_self_` for its own place among them, `override /GROUP: NAME` for the
preset of another group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.resources import resource_folder

GROUPS = ("space", "data", "search", "train", "experiment")
CHOOSING = ("experiment", "space")  # groups whose presets choose others, the stronger first


@dataclass(frozen=True)
class Preset:
    """A file of `conf/`: its values, the group they belong to (empty: all settings), and the entries of `defaults`."""

    values: Mapping[str, Any]
    package: str
    defaults: tuple[Any, ...]


def preset_names(group: str) -> list[str]:
    """Return the names that a group offers."""
    return sorted(p.stem for p in (resource_folder("conf") / group).glob("*.yaml") if not p.stem.startswith("_"))


def presets(choices: Mapping[str, str], suggested: str | None = None) -> dict[str, Any]:
    """Return what the presets state, as nested dictionaries: the defaults of conf/config.yaml, or these choices.

    Args:
        choices: group -> name of a preset.
        suggested: an experiment whose values win over the defaults, not over the search and training of `choices`.

    Raises:
        UserError: a preset does not exist.
    """
    for group, name in choices.items():
        if name not in preset_names(group) and not (group == "experiment" and name == "null"):
            raise unknown(group, name, preset_names(group))
    config = _read("", "config")
    chosen = _chosen(config, choices)
    stated: dict[str, Any] = {}
    for entry in config.defaults:
        if entry == "_self_":
            _merge(stated, config.values)
            continue
        optional, group, package, default = _entry(entry)
        name = Template(default).substitute(chosen) if "$" in default else chosen[group]
        if name != "null" and not (optional and not _path(group, name).is_file()):
            for place, values in _layers(group, name):
                _merge(stated, _at(package or place, values))
    again = {group: choices[group] for group in ("search", "train") if group in choices}
    for group, name in {"experiment": suggested, **again}.items() if suggested else ():
        for place, values in _layers(group, name):
            _merge(stated, _at("_global_" if group == "experiment" else place, values))
    return stated


def _chosen(config: Preset, choices: Mapping[str, str]) -> dict[str, str]:
    """Return every group's preset: the user's choice, else the experiment's, else the space's, else the default."""
    chosen = {group: name for _, group, _, name in map(_entry, config.defaults[1:]) if group in GROUPS} | dict(choices)
    decided = set(choices)
    for chooser in CHOOSING:
        for entry in _read(chooser, chosen[chooser]).defaults if chosen[chooser] != "null" else ():
            for key, name in entry.items() if isinstance(entry, dict) else ():
                group = key.removeprefix("override /")
                if group not in decided:
                    decided.add(group)
                    chosen[group] = name
    return chosen


def _layers(group: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the place and the values of a preset and of those that it builds on, in order."""
    preset = _read(group, name)
    for entry in preset.defaults if "_self_" in preset.defaults else (*preset.defaults, "_self_"):
        if entry == "_self_":
            yield preset.package, preset.values
        elif isinstance(entry, str):
            yield from _layers(group, entry)


def _entry(entry: Mapping[str, str | None]) -> tuple[bool, str, str, str]:
    """Return what an entry of config.yaml says: whether it is optional, group, package (empty: the file's), name."""
    ((key, name),) = entry.items()
    group, _, package = key.removeprefix("optional ").partition("@")
    return key.startswith("optional "), group, package, name or "null"


def _path(group: str, name: str) -> Path:
    return resource_folder("conf") / group / f"{name}.yaml"


def _read(group: str, name: str) -> Preset:
    path = _path(group, name)
    return _parse(path, path.stat().st_mtime_ns, group)


@cache
def _parse(path: Path, changed_ns: int, group: str) -> Preset:
    text = path.read_text(encoding="utf-8")
    try:
        values = yaml.load(text, Loader=_Loader) or {}
    except yaml.YAMLError as error:
        raise UserError(f"The settings cannot be put together: {path} is not YAML ({' '.join(str(error).split())}).") \
            from error
    header = re.search(r"^# @package (\S+)", text, re.MULTILINE)
    package = header[1] if header else group
    return Preset(values, package, tuple(values.pop("defaults", ())))


def _at(place: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    return values if place == "_global_" else {place: values}


def _merge(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put `values` into `target`, dictionaries into dictionaries; `values` is not shared with it."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            there = target.get(name)
            target[name] = dict(there) if isinstance(there, Mapping) else {}
            _merge(target[name], value)
        else:
            target[name] = value


class _Loader(yaml.SafeLoader):
    """YAML as Hydra reads it: 6e8 and 1e-3 are numbers."""


_Loader.yaml_implicit_resolvers = {letter: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":float")]
                                   for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d[\d_]*\.[\d_]*([eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+|\.\d+([eE][-+]?\d+)?|\.inf|\.nan)$"),
    list("-+0123456789."))
