"""The presets in `conf/`, a tree that Hydra reads in the same way: groups of YAML files, layered as config.yaml says.

A file may begin with `# @package _global_` (its keys are those of all settings, not of its group) and name others in
`defaults`: files of its group that it builds on, `_self_` for its own place among them, `override /GROUP: NAME` for the
preset of another group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from string import Template
from typing import Any

import yaml

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.resources import resource_folder

GROUPS = ("space", "data", "search", "train", "experiment")
CHOOSING = ("experiment", "space")  # groups whose presets choose others, the stronger first


@dataclass(frozen=True)
class Preset:
    """A file of `conf/`: its values, the group they belong to (`_global_`: all settings), and the `defaults` entries.
    """

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
            stated = merged(stated, config.values)
            continue
        ((key, default),) = entry.items()
        group, _, package = key.removeprefix("optional ").partition("@")
        name = chosen.get(group) or Template(default).substitute(chosen)
        optional = key.startswith("optional ") and not (resource_folder("conf") / group / f"{name}.yaml").is_file()
        if name != "null" and not optional:
            stated = _layered(stated, group, name, package)
    if suggested is not None:
        stated = _layered(stated, "experiment", suggested, "_global_")
        for group in ("search", "train"):
            if group in choices:
                stated = _layered(stated, group, choices[group])
    return stated


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested `values` with `changes`, whose keys may be dotted; dictionaries are merged into dictionaries."""
    result = dict(values)
    for key, value in changes.items():
        name, _, inner = str(key).partition(".")
        change = {inner: value} if inner else value
        if isinstance(change, Mapping):
            there = result.get(name)
            change = merged(there if isinstance(there, Mapping) else {}, change)
        result[name] = change
    return result


def _chosen(config: Preset, choices: Mapping[str, str]) -> dict[str, str]:
    """Return every group's preset: the user's choice, else the experiment's, else the space's, else the default."""
    defaults = {key.partition("@")[0]: name or "null" for entry in config.defaults[1:] for key, name in entry.items()}
    chosen = {group: defaults[group] for group in GROUPS} | dict(choices)
    decided = set(choices)
    for chooser in CHOOSING:
        for entry in _read(chooser, chosen[chooser]).defaults if chosen[chooser] != "null" else ():
            for key, name in entry.items() if isinstance(entry, dict) else ():
                group = key.removeprefix("override /")
                if group not in decided:
                    decided.add(group)
                    chosen[group] = name
    return chosen


def _layered(stated: dict[str, Any], group: str, name: str, package: str = "") -> dict[str, Any]:
    """Return `stated` with the values of a preset and of those that it builds on, in order.

    package: where the values belong; empty: where the file says.
    """
    preset = _read(group, name)
    for entry in preset.defaults if "_self_" in preset.defaults else (*preset.defaults, "_self_"):
        if entry == "_self_":
            place = package or preset.package
            stated = merged(stated, preset.values if place == "_global_" else {place: preset.values})
        elif isinstance(entry, str):
            stated = _layered(stated, group, entry, package)
    return stated


@cache
def _read(group: str, name: str) -> Preset:
    path = resource_folder("conf") / group / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    try:
        values = yaml.load(text, Loader=_Loader) or {}
    except yaml.YAMLError as error:
        raise UserError(f"The settings cannot be put together: {path} is not YAML ({' '.join(str(error).split())}).") \
            from error
    header = re.search(r"^# @package (\S+)", text, re.MULTILINE)
    return Preset(values, header[1] if header else path.parent.name, tuple(values.pop("defaults", ())))


class _Loader(yaml.SafeLoader):
    """YAML as Hydra reads it: 6e8 and 1e-3 are numbers."""


_Loader.yaml_implicit_resolvers = {letter: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":float")]
                                   for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d[\d_]*\.[\d_]*([eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+|\.\d+([eE][-+]?\d+)?|\.inf|\.nan)$"),
    list("-+0123456789."))
