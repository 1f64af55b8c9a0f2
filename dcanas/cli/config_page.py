"""What `--cfg` and `--info` print: settings, Hydra's own part of them, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from dcanas.basics.errors import unknown
from dcanas.basics.fields import described
from dcanas.basics.plugins import loaded_plugins
from dcanas.basics.version import __version__
from dcanas.cli.compose import configure, split, values_of
from dcanas.cli.flags import Flags
from dcanas.cli.grammar import parse
from dcanas.cli.settings_page import settings_page
from dcanas.pipeline.conf_folders import conf_folders, typed_folders
from dcanas.pipeline.preset_files import Layer, layers
from dcanas.pipeline.settings import Options, Settings
from dcanas.search.searches import settings_class


def versions() -> str:
    """Return what `--version` prints."""
    return f"dcanas {__version__} (Hydra {version('hydra-core')})"


def shown(overrides: Sequence[str], command: str, flags: Flags) -> str:
    """Return what `--cfg` prints of a run: YAML, with the help of each setting as a comment.

    Raises:
        UserError: the settings cannot be used, or `--package` names none of their groups.
    """
    values, _ = values_of(overrides, command, flags.resolve or flags.cfg == "page")
    page = ""
    if flags.cfg in ("hydra", "all"):
        page = OmegaConf.to_yaml({"hydra": _hydra(overrides, command, flags)})
    if flags.cfg == "hydra":
        return page
    for part in flags.package.split(".") if flags.package else ():
        if not isinstance(values, dict) or part not in values:
            raise unknown("part of the settings", flags.package, values if isinstance(values, dict) else ())
        values = values[part]
    if flags.package and not isinstance(values, dict):
        return f"{values}\n"
    about = [*described(Settings), *described(Options)]
    search = values.get("name") if flags.package == "search" else values.get("search", {}).get("name")
    about += described(settings_class(str(search)), "search") if search else []
    start = f"{flags.package}." if flags.package else ""
    rows = [(key.removeprefix(start), default, each) for key, default, each in about if key.startswith(start)]
    return page + (f"# @package {flags.package}\n" if flags.package else "") + settings_page(values, rows)


def _hydra(overrides: Sequence[str], command: str, flags: Flags) -> dict[str, Any]:
    """Return the parts of Hydra's node that mean something here."""
    settings, options = configure(overrides, command)
    place = options.run.dir or f"{options.run.root}/{options.name}-{settings.key}"
    folders = conf_folders()
    provider = ["command-line"] * len(typed_folders()) + ["own"] * (len(folders) - len(typed_folders()) - 1) + ["main"]
    return {
        "run": {"dir": options.source if options.source and options.run.dir is None else place},
        "sweep": {"dir": options.run.root},
        "mode": "MULTIRUN" if flags.multirun else "RUN",
        "searchpath": [f"file://{folder}" for folder in folders[:-1]],
        "overrides": {"task": list(overrides)},
        "job": {"name": command, "config_name": "config"},
        "runtime": {"version": version("hydra-core"), "cwd": str(Path.cwd()),
                    "config_sources": [{"path": str(path), "schema": "file", "provider": name}
                                       for path, name in zip(folders, provider, strict=True)],
                    "choices": _choices(overrides)}}


def _choices(overrides: Sequence[str]) -> dict[str, str]:
    """Return the preset of each group."""
    return dict(layer.name.rsplit("/", 1) for layer in _layers(overrides) if "/" in layer.name and not layer.depth)


def _layers(overrides: Sequence[str]) -> list[Layer]:
    return list(layers(split(parse(overrides))[0]))


def info(overrides: Sequence[str], command: str, asked: str) -> str:
    """Return what `--info` prints: the folders of presets, the presets of these settings in order, and the settings."""
    values_of(overrides, command)  # which loads the plug-ins
    parts: dict[str, Callable[[Sequence[str]], Iterable[str]]] = {
        "plugins": _plugins, "searchpath": _searchpath, "defaults-tree": _tree, "defaults": _defaults,
        "config": lambda words: shown(words, command, Flags(cfg="page")).splitlines()}
    titles = {"plugins": "Plug-ins", "searchpath": "Config search path", "defaults-tree": "Defaults Tree",
              "defaults": "Defaults List", "config": "Config"}
    pages = ["\n".join([titles[name], "*" * len(titles[name]), *part(overrides)])
             for name, part in parts.items() if asked in (name, "all")]
    return (f"{versions()}\n\n" if asked == "all" else "") + "\n\n".join(pages) + "\n"


def _plugins(overrides: Sequence[str]) -> Iterator[str]:
    for plugin in loaded_plugins():
        yield f"{plugin.name}: {plugin.typed}, {plugin.version}, adds {', '.join(plugin.names()) or 'no name'}"
    if not loaded_plugins():
        yield "none"


def _searchpath(overrides: Sequence[str]) -> Iterator[str]:
    for folder in conf_folders():
        yield f"file://{folder}"


def _defaults(overrides: Sequence[str]) -> Iterator[str]:
    rows = [("Config path", "Package", "File"), *((each.name, each.package, str(each.path))
                                                   for each in _layers(overrides))]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for name, package, path in rows:
        yield f"{name:<{widths[0]}}  {package:<{widths[1]}}  {path}"


def _tree(overrides: Sequence[str]) -> Iterator[str]:
    for each in _layers(overrides):
        group, _, name = each.name.rpartition("/")
        yield f"{'  ' * each.depth}{f'{group}: ' if group else ''}{name}"
