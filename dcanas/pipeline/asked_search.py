"""Which search stated settings ask for if none is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.fields import described
from dcanas.pipeline.preset_files import presets
from dcanas.search.searches import settings_class

ZERO_SHOT, SUPERNET = "zero_shot", "differentiable"


def with_supernet(choices: Mapping[str, str], changes: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the choices with the search of a supernet, and a sentence on it, if a stated setting is only that one's.

    Args:
        choices: group -> name of a preset; a chosen search or experiment stays.
        changes: dotted key -> value, as the user states it.
    """
    chosen = dict(choices)
    if {"search", "experiment"} & set(chosen) or presets(chosen)["search"]["name"] != ZERO_SHOT:
        return chosen, []
    read, needed = ({key for key, *_ in described(settings_class(name), "search")} for name in (ZERO_SHOT, SUPERNET))
    for key in changes:
        if key in needed - read:
            return {**chosen, "search": SUPERNET}, [
                f"{key} is stated, which search={ZERO_SHOT} does not read, so the search is {SUPERNET}."]
    return chosen, []
