"""Which plug-ins the user of this process names, and what they add to the presets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_yaml
from dcanas.basics.plugins import SETTING, load_installed, load_plugins, loaded_plugins
from dcanas.basics.registry import Registry
from dcanas.pipeline.conf_folders import own_folders

VARIABLE, FILE = "DCANAS_PLUGINS", "plugins.yaml"  # the file is a list in a folder of the user's own presets


def load_named(typed: Any, choices: Mapping[str, str]) -> None:
    """Run the plug-ins that are installed, those in `DCANAS_PLUGINS` (separated as in `PATH`), those of the user's own
    folders (`plugins.yaml`, and chosen presets that state `plugins`), and those that are typed.

    Args:
        typed: text, list of texts or None, as the user states `plugins`.
        choices: group -> name of a preset.

    Raises:
        UserError: they are not paths and modules, are not there, or cannot be run.
    """
    load_installed()
    load_plugins([text for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text])
    for folder in own_folders():
        files = [folder / FILE, *(folder / group / f"{name}.yaml" for group, name in choices.items())]
        for path in files:
            if path.is_file():
                content = read_yaml(path)
                named = content if path.name == FILE else content.get(SETTING) if isinstance(content, dict) else None
                load_plugins([_beside(path, text) for text in _listed(named, str(path))])
    load_plugins(_listed(typed, f"{SETTING}="))


def plugin_presets(group: str) -> dict[str, Callable[[], Mapping[str, Any]]]:
    """Return what plug-ins let a group choose: name -> function that returns its settings."""
    from dcanas.search.searches import searches
    from dcanas.spaces.space_registry import spaces
    from dcanas.training.dataset_registry import datasets
    from dcanas.training.recipes import recipes

    named: dict[str, Registry[Any]] = {"data": datasets, "space": spaces, "search": searches}
    if group == "train":
        return {name: recipes[name] for name in recipes}
    return {name: partial(dict, name=name) for name in _added(named[group])} if group in named else {}


def _added(family: Registry[Any]) -> list[str]:
    names = {name for plugin in loaded_plugins() for name in plugin.names()}
    return [name for name in family if name in names and name not in family.table]


def _listed(named: Any, where: str) -> list[str]:
    texts = [] if named is None else named if isinstance(named, list) else [named]
    for text in texts:
        if not isinstance(text, str) or not text:
            raise UserError(f"{where} must name Python files or modules, [my.py,package.module], got {text!r}.")
    return texts


def _beside(path: Path, text: str) -> str:
    """Return a file that a preset names as a path: it lies beside the preset unless the path says otherwise."""
    own = path.parent / Path(text).expanduser()
    return str(own) if text.endswith(".py") else text
