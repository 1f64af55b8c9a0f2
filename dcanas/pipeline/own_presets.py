"""What presets in the user's own folders state beside settings: options, paths, and files with code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.mapping import flattened
from dcanas.pipeline.conf_folders import own_folders, typed_folders
from dcanas.pipeline.preset_files import layers, merged

CODE = ("space.file", "search.file", "proxies.file", "plugins")  # settings that name Python files, which are run


def refuse_code_from_elsewhere(choices: Mapping[str, str], changes: Mapping[str, Any]) -> None:
    """Raise `UserError` if a preset outside the user's own folders names code that the user has not named as well."""
    own = [folder.resolve() for folder in own_folders()]
    elsewhere = [each for folder in typed_folders() if (each := folder.resolve()) not in own]
    for layer in layers(choices) if elsewhere else ():
        if not any(layer.path.resolve().is_relative_to(folder) for folder in elsewhere):
            continue
        for key, value in flattened(layer.values):
            if key in CODE and value and not _typed(changes.get(key), value):
                text = f"[{','.join(map(str, value))}]" if isinstance(value, list) else value
                raise UserError(f"{layer.path} names Python code, which is run only if you name it yourself: read it, "
                                f"then type {key}={text}.")


def _typed(stated: Any, value: Any) -> bool:
    """Return whether the user has typed the same."""
    as_list = [each if isinstance(each, list) else [each] for each in (stated, value)]
    return set(map(str, as_list[1])) <= set(map(str, as_list[0]))


def paths_of(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """Return the settings among `keys` for which presets state a path."""
    wanted = set(keys)
    return {key: value for key, value in flattened(values) if key in wanted and isinstance(value, str) and value}


def take_options(values: Mapping[str, Any], options: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what presets state without options, and the options by dotted key.

    Raises:
        UserError: a preset states where the run starts from.
    """
    known = set(options)
    found = {key: value for key, value in flattened(values) if key in known}
    if "source" in found:
        raise UserError(f"A preset cannot state source={found['source']}: a run that starts from another takes its "
                        "settings from there; type it.")
    return without(values, found), found


def without(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return nested values without those at dotted keys; of a whole group its name stays."""
    result = merged({}, values)
    for key in keys:
        *path, last = key.split(".")
        place: Any = result
        for name in path:
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict) and last in place:
            inner = place.pop(last)
            if not path and isinstance(inner, Mapping) and "name" in inner:
                place[last] = {"name": inner["name"]}
    return result


def take_back(values: Mapping[str, Any], removed: Mapping[str, Any], anything: Any) -> dict[str, Any]:
    """Return nested values without those that are taken back.

    Args:
        removed: dotted key -> the value that it must have, or `anything`.

    Raises:
        UserError: one has another value.
    """
    there = dict(flattened(values))
    for key, expected in removed.items():
        if expected is not anything and there.get(key) != expected:
            raise UserError(f"~{key}={expected} takes back that value only, and {key} is {there.get(key)}; type "
                            f"~{key}.")
    return without(values, removed)
