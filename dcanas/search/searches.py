"""The searches by name: the places of their methods and settings, which are imported on first use."""

from __future__ import annotations

import inspect
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.lazy import load_object
from dcanas.basics.registry import Registry

searches: Registry[Any] = Registry("search", {
    "differentiable": ("dcanas.search.gradient.gradient_search:GradientSearch",
                       "A supernet whose alphas are optimised by gradient under several limits "
                       "(`differentiable.search`)."),
    "elastic": ("dcanas.search.elastic.elastic_search:ElasticSearch",
                "One supernet whose slices are the members of a space, trained regardless of the limits."),
    "zero_shot": ("dcanas.search.zero_shot.zero_shot_search:ZeroShotSearch",
                  "Training-free scores of networks within the budgets, ranked again for every device within its own "
                  "limits."),
    "halving": ("dcanas.search.halving.halving_search:HalvingSearch",
                "Parts of a pretrained network, chosen by successive halving of real fine-tunings under each device's "
                "limits."),
    "slices": ("dcanas.search.slices.slice_search:SliceSearch",
               "Slices of a pretrained network, judged by a supernet that holds them all and chosen by real "
               "fine-tunings."),
    "study": ("dcanas.search.ask_tell.study_search:StudySearch",
              "Trials of single networks, proposed by a sampler from what was observed so far."),
})
SETTINGS = {  # of the built-in searches; a search of the user's own has them as its attribute `settings`
    "differentiable": "dcanas.search.gradient.gradient_settings:SearchSettings",
    "elastic": "dcanas.search.elastic.elastic_settings:ElasticSettings",
    "zero_shot": "dcanas.search.zero_shot.zero_shot_settings:ZeroShotSettings",
    "halving": "dcanas.search.halving.halving_settings:HalvingSettings",
    "slices": "dcanas.search.slices.slices_settings:SlicesSettings",
    "study": "dcanas.search.ask_tell.study_settings:StudySettings",
}


def settings_class(name: str) -> type:
    """Return the dataclass of a search's settings.

    Raises:
        UserError: the name is unknown.
    """
    found: type = load_object(SETTINGS[name]) if name in SETTINGS else searches[name].settings
    return found


def search_method(name: str) -> Any:
    """Return the `SearchMethod` of this name.

    Raises:
        UserError: the name is unknown, or the class lacks a method that every search has.
    """
    kind = searches[name]
    for missing in sorted(getattr(kind, "__abstractmethods__", ())):
        raise UserError(f"The search {name} in {inspect.getfile(kind)} has no method {missing}; define it in the class "
                        f"{kind.__name__} (docs/add-a-search.md).")
    return kind()
