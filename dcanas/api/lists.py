"""What there is by name; nothing heavy is imported for it."""

from __future__ import annotations

from dcanas.costs.units import COSTS
from dcanas.hardware import list_devices as names_of_devices
from dcanas.pipeline.preset_files import preset_names
from dcanas.proxies import list_proxies as names_of_proxies
from dcanas.spaces.space_registry import spaces
from dcanas.training.dataset_registry import datasets


def list_spaces() -> list[str]:
    """Return the names of the spaces."""
    return list(spaces)


def list_data() -> list[str]:
    """Return the names of the data sets."""
    return list(datasets)


def list_devices() -> list[str]:
    """Return the names of the devices, your own included."""
    return list(names_of_devices())


def list_searches() -> list[str]:
    """Return the names of the presets of searches."""
    return preset_names("search")


def list_recipes() -> list[str]:
    """Return the names of the presets of training."""
    return preset_names("train")


def list_experiments() -> list[str]:
    """Return the names of the presets that state a whole run."""
    return preset_names("experiment")


def list_proxies() -> list[str]:
    """Return the names of the training-free scores."""
    return list(names_of_proxies())


def list_costs() -> list[str]:
    """Return the names of the costs that a budget may limit."""
    return list(COSTS)
