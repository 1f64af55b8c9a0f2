"""Recipes of plug-ins, by name: `train=NAME`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dcanas.basics.registry import Registry

# A recipe returns the settings of the group `train` that it changes, nested as in a YAML file.
recipes: Registry[Callable[[], Mapping[str, Any]]] = Registry("recipe")
