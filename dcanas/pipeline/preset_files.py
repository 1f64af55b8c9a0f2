"""The presets in `conf/` and in folders of the user's own, which Hydra reads in the same way: groups of YAML files.

They are layered as config.yaml says.

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
from dcanas.basics.plugins import loaded_plugins
from dcanas.basics.resources import resource_folder
from dcanas.pipeline.conf_folders import preset_path, preset_stems
from dcanas.pipeline.own_plugins import plugin_presets

GROUPS = ("space", "data", "search", "train", "experiment")
CHOOSING = ("experiment", "space", "train", "search", "data")  # whose `override` counts, the last of config.yaml first
OVERRIDE = "override /"


@dataclass(frozen=True)
class Preset:
    """A file of presets: its values, the group they belong to (`_global_`: all settings), and the `defaults` entries.
    """

    values: Mapping[str, Any]
    package: str
    defaults: tuple[Any, ...]


@dataclass(frozen=True)
class Layer:
    """A preset in its place among those of a run.

    Attributes:
        path: of its file.
        name: "GROUP/NAME".
        package: where its values belong; `_global_`: among all settings.
        depth: 0 for a preset that config.yaml lists, more for one that others build on.
        values: what it states, nested as the settings.
    """

    path: Path
    name: str
    package: str
    depth: int
    values: Mapping[str, Any]


def preset_names(group: str) -> list[str]:
    """Return the names that a group offers, those in the user's own folders included."""
    return sorted({*preset_stems(group), *(plugin_presets(group) if loaded_plugins() else ())})


def presets(choices: Mapping[str, str], suggested: str | None = None) -> dict[str, Any]:
    """Return what the presets state, as nested dictionaries: the defaults of conf/config.yaml, or these choices.

    Args:
        choices: group -> name of a preset.
        suggested: an experiment whose values win over the defaults, not over the search and training of `choices`.

    Raises:
        UserError: a preset does not exist, stands in two folders, or cannot be read.
    """
    stated: dict[str, Any] = {}
    for layer in layers(choices, suggested):
        stated = merged(stated, layer.values)
    return stated


def layers(choices: Mapping[str, str], suggested: str | None = None) -> Iterator[Layer]:
    """Yield the presets of a run, the last wins; arguments and errors as `presets`."""
    for group, name in choices.items():
        if not (group == "experiment" and name == "null"):
            _require(group, name)
    config = _read(resource_folder("conf") / "config.yaml", "")
    chosen = _chosen(config, choices)
    for entry in config.defaults:
        if entry == "_self_":
            yield Layer(resource_folder("conf") / "config.yaml", "config", "_global_", 0, config.values)
            continue
        ((key, default),) = entry.items()
        group, _, package = key.removeprefix("optional ").partition("@")
        name = chosen.get(group) or Template(default).substitute(chosen)
        optional = key.startswith("optional ") and preset_path(group, name) is None
        if name != "null" and not optional:
            yield from _built(group, name, package)
    if suggested is not None:
        yield from _built("experiment", suggested, "_global_")
        for group in ("search", "train"):
            if group in choices:
                yield from _built(group, choices[group])


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
    """Return every group's preset: the user's choice, else the one a stronger preset overrides it with, else the
    default."""
    defaults = {key.partition("@")[0]: name or "null" for entry in config.defaults[1:] for key, name in entry.items()}
    chosen = {group: defaults[group] for group in GROUPS} | dict(choices)
    decided = set(choices)
    for chooser in CHOOSING:
        decided.add(chooser)
        for group, name in overrides(chooser, chosen[chooser]) if chosen[chooser] != "null" else ():
            if group not in decided:
                decided.add(group)
                chosen[group] = name
    return chosen


def overrides(group: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the presets of other groups that a preset chooses, then those that the presets it builds on choose."""
    entries = _preset(group, name).defaults
    for entry in entries:
        if isinstance(entry, dict):
            yield from ((key.removeprefix(OVERRIDE), str(chosen or "null")) for key, chosen in entry.items())
    for entry in reversed(entries):
        if isinstance(entry, str) and entry != "_self_":
            yield from overrides(group, entry)


def _built(group: str, name: str, package: str = "", depth: int = 0) -> Iterator[Layer]:
    """Yield a preset and those that it builds on, in order; package: where its values belong, empty: as its file says.
    """
    preset, path = _preset(group, name), _require(group, name) or Path("plug-in")
    for entry in preset.defaults if "_self_" in preset.defaults else (*preset.defaults, "_self_"):
        if entry == "_self_":
            place = package or preset.package
            values = preset.values if place == "_global_" else {place: preset.values}
            yield Layer(path, f"{group}/{name}", place, depth, values)
        elif isinstance(entry, str):
            yield from _built(group, entry, package, depth + 1)


def _preset(group: str, name: str) -> Preset:
    path = _require(group, name)
    return Preset(plugin_presets(group)[name](), group, ()) if path is None else _read(path, group)


def _require(group: str, name: str) -> Path | None:
    """Return the file of a preset, None of a plug-in's; raises `UserError` if there is none."""
    path = preset_path(group, name)
    if path is None and name not in preset_names(group):
        raise unknown(group, name, preset_names(group))
    return path


def _read(path: Path, group: str) -> Preset:
    return _read_version(path, group, path.stat().st_mtime_ns)


@cache
def _read_version(path: Path, group: str, changed_ns: int) -> Preset:
    """Return the preset in a file as it was at a time of change."""
    text = path.read_text(encoding="utf-8")
    try:
        values = yaml.load(text, Loader=_Loader) or {}
    except yaml.YAMLError as error:
        raise UserError(f"The settings cannot be put together: {path} is not YAML ({' '.join(str(error).split())}).") \
            from error
    if not isinstance(values, dict):
        raise UserError(f"{path} must hold keys and values, got {values!r}.")
    header = re.search(r"^# @package (\S+)", text, re.MULTILINE)
    defaults = tuple(values.pop("defaults", None) or ())
    for entry in defaults if group else ():
        _check_entry(entry, path)
    return Preset(values, header[1] if header else group, defaults)


def _check_entry(entry: Any, path: Path) -> None:
    """Refuse an entry of `defaults` that would do nothing here."""
    if isinstance(entry, str) and "/" not in entry and "@" not in entry:
        return
    if isinstance(entry, dict) and len(entry) == 1 and next(iter(entry)) in [f"{OVERRIDE}{group}" for group in GROUPS]:
        return
    raise UserError(f"{path}: the entry {entry!r} of `defaults` is not understood; expected NAME of a file beside it, "
                    f"_self_, or `{OVERRIDE}GROUP: NAME` with a group of {', '.join(GROUPS)}.")


class _Loader(yaml.SafeLoader):
    """YAML as Hydra reads it: 6e8 and 1e-3 are numbers."""


_Loader.yaml_implicit_resolvers = {letter: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":float")]
                                   for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d[\d_]*\.[\d_]*([eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+|\.\d+([eE][-+]?\d+)?|\.inf|\.nan)$"),
    list("-+0123456789."))
