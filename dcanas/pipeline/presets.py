"""From presets in `conf/` and what the user states to the settings of a run; plain Python and YAML.

Layers, the last one wins: defaults of the fields, what suits the data set, the space and both, then the presets of
search, train, space and experiment, then what the user states. `conf/config.yaml` lists the presets in this order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.fields import declared, default_of, described, is_read, type_hints, unread
from dcanas.basics.keys import plain
from dcanas.basics.launcher import read_launch
from dcanas.basics.machine import usable_cores
from dcanas.basics.mapping import from_mapping, join, kind_of
from dcanas.costs.units import explain_limit, parse_limit
from dcanas.pipeline.own_files import own_files
from dcanas.pipeline.own_images import suit_images
from dcanas.pipeline.preset_files import GROUPS, presets
from dcanas.pipeline.settings import Settings, stored_settings
from dcanas.search.searches import SETTINGS, settings_class
from dcanas.training.folder import ImageFacts

FREE = ("budget", "space.final_skeleton", "space.search_skeleton")  # keys below them are checked by those who read them


def compose(choices: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a run as nested dictionaries.

    Args:
        choices: group (`GROUPS`) -> name of a preset.
        changes: dotted key -> value, such as {"train.epochs": 3}; they win over every preset.

    Raises:
        UserError: a preset or a setting does not exist, or the chosen search does not read it.
    """
    return change(presets_for(choices, changes)[0], changes)


def presets_for(choices: Mapping[str, str], changes: Mapping[str, Any],
                facts: ImageFacts | None = None) -> tuple[dict[str, Any], list[str]]:
    """Return what presets state for these choices and for the user's own images, and a sentence on what was inferred.

    Args:
        changes: dotted key -> value; those of the data say where the images are.
        facts: what images in memory are like.
    """
    if "space.file" in changes:
        choices = {"space": "file", **choices}
    stated = presets(choices)
    data = {key: value for key, value in changes.items() if key.partition(".")[0] == "data"}
    return suit_images(stated, choices, _changed(stated, data)["data"], facts)


def change(stated: Mapping[str, Any], changes: Mapping[str, Any], others: Iterable[str] = ()) -> dict[str, Any]:
    """Return all settings of a run that begin from those `stated`, with changes by dotted key; raises as `compose`.

    others: keys that are no settings of a run but could have been meant.
    """
    values = dict(stated)
    default_budget = changes.get("default_budget", values.pop("default_budget", None))
    files = own_files(values, changes)
    _check_keys(changes, files.get("search.name", values["search"]["name"]), others)
    values = _changed(values, {key: value for key, value in changes.items() if key != "default_budget"} | files)
    complete = _complete(Settings, values, changes, "")
    budget = complete["budget"]
    none = isinstance(budget, str) and budget.lower() == "none"
    return {**complete, "budget": {} if none else dict(_flatten(budget or default_budget or {}))}


def explain_limits(changes: Mapping[str, Any]) -> list[str]:
    """Return what the limits mean that a user stated with a unit, one sentence each."""
    stated = {key: value for key, value in changes.items() if key.partition(".")[0] == "budget"}
    texts = (explain_limit(name.removeprefix("budget."), limit) for name, limit in _flatten(stated))
    return [text for text in texts if text]


def make_settings(values: Mapping[str, Any], folder: Path | None = None) -> Settings:
    """Return composed values as checked settings, with the numbers of threads and processes that the run will use.

    folder: a directory; if a run began there it goes on with as many threads.
    """
    values = dict(values)
    values["budget"] = {name: _in_base_units(name, limit) for name, limit in values["budget"].items()}
    values["run"] = _parallelism(values.get("run") or {}, folder)
    made: Settings = from_mapping(Settings, values)
    return made


def setting_keys(search: str) -> list[str]:
    """Return the keys of all settings of a run whose search has this `search.name`."""
    of_search = [key for key, *_ in described(settings_class(search), "search")]
    return [*(key for key, *_ in described(Settings) if key != "search"), *of_search, "default_budget"]


def _check_keys(changes: Mapping[str, Any], search: str, others: Iterable[str]) -> None:
    """Raise for a key that does not exist, with the nearest one that does."""
    known = setting_keys(search)
    parts = {key.rpartition(".")[0] for key in known}  # `train.schedule={kind: step}`
    for key in changes:
        if key in known or key in parts or key.startswith(tuple(f"{free}." for free in FREE)):
            continue
        group, _, name = key.partition(".")
        if group == "search" and (owners := _searches_with(name)):
            raise UserError(f"{key} is a setting of search.name={' or '.join(owners)}, and this search is {search}; "
                            "leave it out or choose another search.")
        raise unknown("setting", key, [*others, *known, *GROUPS, "budget.params"])


def _searches_with(name: str) -> list[str]:
    """Return the searches that have a setting of this name."""
    return [search for search in SETTINGS if name in declared(settings_class(search))]


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with changes by dotted key."""
    for key, value in changes.items():
        values = _put(values, key.split("."), value)
    return dict(values)


def _put(values: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return `values` with one of them changed; a dictionary is merged into what is there."""
    first, *rest = path
    there = values.get(first)
    inside = there if isinstance(there, Mapping) else {}
    if rest:
        return {**values, first: _put(inside, rest, value)}
    if isinstance(value, Mapping):
        for name, part in value.items():
            inside = _put(inside, [str(name)], part)
        return {**values, first: dict(inside)}
    return {**values, first: value}


def _complete(kind: type, values: Any, changes: Mapping[str, Any], where: str) -> Any:
    """Return `values` with the defaults of a settings class, without those that are not read.

    A preset may state what other searches read; raises `UserError` if the user does.
    """
    if not isinstance(values, Mapping):
        return values  # refused with the values of all settings
    offered = declared(kind)
    nested = {name for name, hint in type_hints(kind).items() if is_dataclass(hint)}
    whole = {f.name: values.get(f.name, {} if f.name in nested else plain(default_of(f))) for f in fields(kind)
             if f.name in values or f.name in offered or f.name in nested}
    for name in values:
        if name not in whole and not (where == "search" and _searches_with(name)):
            raise unknown("setting", join(where, name), [join(where, other) for other in whole])
    idle = {name: about for name, (_, about) in offered.items() if not is_read(kind, about, whole)}
    for name, about in idle.items():
        if join(where, name) in changes:
            raise unread(join(where, name), about, whole)
    kinds: dict[str, Any] = {name: kind_of(kind, name, value) for name, value in whole.items() if name not in idle}
    return {name: _complete(inner, whole[name], changes, join(where, name))  # type: ignore[arg-type]
            if is_dataclass(inner) else whole[name] for name, inner in kinds.items()}


def _flatten(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(values, Mapping):
        raise UserError(f"The budget must name costs (budget.params=100000) or be none, got {values!r}.")
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _in_base_units(name: str, limit: Any) -> Any:
    """Return a limit in its cost's base unit; percentiles stay as they are."""
    return limit if isinstance(limit, str) and re.fullmatch(r"p\d+", limit) else parse_limit(name, limit)


def _parallelism(stated: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    """Return the numbers of threads and processes: as stated, as the run in `folder` began, or as the machine has."""
    launch = read_launch()
    threads = stated.get("threads")
    if threads is None and folder is not None and (folder / "settings.yaml").is_file():
        threads = stored_settings(folder)["run"]["threads"]
    if threads is None:
        threads = max(1, usable_cores() // launch.local_count)
    return {"threads": threads, "processes": launch.count}
