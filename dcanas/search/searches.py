"""The searches by name: where their methods and their settings are; nothing of them is imported before it is used."""

from __future__ import annotations

from typing import Any

from dcanas.basics.lazy import load_object
from dcanas.basics.registry import Registry

searches: Registry[Any] = Registry("search", {
    "differentiable": ("dcanas.search.gradient.gradient_search:GradientSearch",
                       "A supernet whose alphas are optimised by gradient under several limits "
                       "(`differentiable.search`)."),
    "elastic": ("dcanas.search.elastic.elastic_search:ElasticSearch",
                "One supernet whose slices are the members of a space; no limit plays a part in its training."),
    "zero_shot": ("dcanas.search.zero_shot.zero_shot_search:ZeroShotSearch", "Scores belong to networks and limits to "
                  "devices, so all scored networks are kept and every device votes again."),
    "study": ("dcanas.search.ask_tell.study_search:StudySearch",
              "Trials of single networks, proposed by a sampler from what was observed so far."),
})
SETTINGS = {  # of the searches that are shipped; one of the user's own has them as its attribute `settings`
    "differentiable": "dcanas.search.gradient.gradient_settings:SearchSettings",
    "elastic": "dcanas.search.elastic.elastic_settings:ElasticSettings",
    "zero_shot": "dcanas.search.zero_shot.zero_shot_settings:ZeroShotSettings",
    "study": "dcanas.search.ask_tell.study_settings:StudySettings",
}


def settings_class(name: str) -> type:
    """Return the dataclass of a search's settings; raises `UserError` for an unknown name."""
    found: type = load_object(SETTINGS[name]) if name in SETTINGS else searches[name].settings
    return found


def search_method(name: str) -> Any:
    """Return the `SearchMethod` of this name."""
    return searches[name]()
