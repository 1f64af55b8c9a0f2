"""The searches by name: where their settings and their methods are; nothing of them is imported before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dcanas.basics.errors import unknown

SEARCHES = {  # search.name -> (settings, method)
    "differentiable": ("dcanas.search.gradient.gradient_settings:SearchSettings",
                       "dcanas.search.gradient.gradient_search:GradientSearch"),
    "elastic": ("dcanas.search.elastic.elastic_settings:ElasticSettings",
                "dcanas.search.elastic.elastic_search:ElasticSearch"),
    "zero_shot": ("dcanas.search.zero_shot.zero_shot_settings:ZeroShotSettings",
                  "dcanas.search.zero_shot.zero_shot_search:ZeroShotSearch"),
    "study": ("dcanas.search.ask_tell.study_settings:StudySettings",
              "dcanas.search.ask_tell.study_search:StudySearch"),
}


def settings_class(name: str) -> type:
    """Return the dataclass of a search's settings; raises `UserError` for an unknown name."""
    return _load(name, 0)


def search_method(name: str) -> Any:
    """Return the `SearchMethod` of this name."""
    return _load(name, 1)()


def _load(name: str, part: int) -> Any:
    if name not in SEARCHES:
        raise unknown("search", name, SEARCHES)
    module, _, member = SEARCHES[name][part].partition(":")
    return getattr(import_module(module), member)
