"""Which settings a run has, and which of them it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.fields import declared, default_of, described, is_read, join, type_hints, unread
from dcanas.basics.keys import plain
from dcanas.basics.mapping import kind_of
from dcanas.pipeline.preset_files import GROUPS
from dcanas.pipeline.settings import Settings
from dcanas.search.searches import SETTINGS, settings_class

FREE = ("budget", "space.final_skeleton", "space.search_skeleton")  # keys below them are checked where they are read


def check_keys(keys: Iterable[str], search: str, others: Iterable[str]) -> None:
    """Refuse keys that are no settings of a run.

    Args:
        search: `search.name` of the run.
        others: keys of options, which may have been meant.

    Raises:
        UserError: a key does not exist; the nearest one that does is named.
    """
    rows = (*described(Settings), *described(settings_class(search), "search"))
    known = [*(key for key, *_ in rows if key != "search"), "default_budget"]
    parts = {key.rpartition(".")[0] for key in known}  # `train.schedule={kind: step}`
    for key in keys:
        if key in known or key in parts or key.startswith(tuple(f"{free}." for free in FREE)):
            continue
        group, _, name = key.partition(".")
        if group == "search" and (owners := _searches_with(name)):
            raise UserError(f"{key} is a setting of search.name={' or '.join(owners)}, and this search is {search}; "
                            "leave it out or choose another search.")
        raise unknown("setting", key, [*others, *known, *GROUPS, "budget.params"])


def complete(kind: type, values: Any, changes: Mapping[str, Any], where: str = "") -> Any:
    """Return values of a settings class with its defaults and without those that are not read.

    Args:
        values: nested; a preset may state what only other searches read.
        changes: dotted key -> value, as the user states it.
        where: dotted key of `values`; empty: all settings.

    Raises:
        UserError: a setting does not exist, or the user states one that is not read.
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
    return {name: complete(inner, whole[name], changes, join(where, name))  # type: ignore[arg-type]
            if is_dataclass(inner) else whole[name]
            for name, inner in kinds.items()}


def _searches_with(name: str) -> list[str]:
    """Return the searches that have a setting of this name."""
    return [search for search in SETTINGS if name in declared(settings_class(search))]
