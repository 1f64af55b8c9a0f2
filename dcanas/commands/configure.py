"""From the command line to settings: the only module that speaks to Hydra."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.basics.keys import plain
from dcanas.basics.resources import resource_folder
from dcanas.commands.settings import RunOptions, Settings, from_mapping

GROUPS = ("space", "data", "search", "train", "experiment")
NOT_SETTINGS = ("name", "run", "source", "default_budget")


def choices(group: str) -> list[str]:
    """Return the names a configuration group offers."""
    return sorted(p.stem for p in (resource_folder("conf") / group).glob("*.yaml") if not p.stem.startswith("_"))


def jobs(overrides: Sequence[str]) -> Iterator[list[str]]:
    """Yield one list of overrides per combination of the comma-separated values (`-m`)."""
    columns = [list(o.sweep_string_iterator()) if o.is_sweep_override() else [None] for o in _parse(overrides)]
    for combination in itertools.product(*columns):
        yield [text if value is None else f"{text.split('=', 1)[0]}={value}"
               for text, value in zip(overrides, combination, strict=True)]


def configure(overrides: Sequence[str]) -> tuple[Settings, RunOptions]:
    """Return settings and run options; raises `UserError` in one sentence for anything that does not exist."""
    config = composed(overrides)
    source = config.source
    if source is not None:
        stored = OmegaConf.create({**stored_settings(Path(str(source)))})
        for override in _parse(overrides):
            _take(stored, config, override.key_or_group.split("@")[0])
        for key in NOT_SETTINGS:
            stored[key] = config[key]
        stored.name = f"{stored.data.name}-{stored.space.name}" if not _names(overrides, "name") else config.name
        config = stored
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    options = from_mapping(RunOptions, {**values.pop("run"), "name": str(values.pop("name")),
                                        "source": values.pop("source")}, "run")
    values.pop("experiment", None)
    default = values.pop("default_budget")
    values["budget"] = _budget(values["budget"], default)
    return from_mapping(Settings, values), options


def composed(overrides: Sequence[str]) -> DictConfig:
    """Return the composed configuration, before any of our own checks but that names exist."""
    parsed = _parse(overrides)
    with initialize_config_dir(str(resource_folder("conf")), version_base="1.3"):
        try:
            base = compose("config")
            for override in parsed:
                _check(override, base)
            return compose("config", [_open(text) for text in overrides])
        except (HydraException, OmegaConfBaseException) as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise UserError(f"The settings cannot be put together: {reason}") from error


def stored_settings(folder: Path) -> dict[str, Any]:
    """Return the settings a run directory was made with; raises `UserError` where it is none."""
    path = folder / "settings.yaml"
    if not path.is_file():
        raise UserError(f"{folder} is no run directory: it has no settings.yaml.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged; the run cannot be continued from it.") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} is damaged; the run cannot be continued from it.")
    return values


def store_settings(folder: Path, settings: Settings) -> None:
    write_text(folder / "settings.yaml", yaml.safe_dump(plain(settings), sort_keys=False))


def _parse(overrides: Sequence[str]) -> list[Override]:
    for text in overrides:
        if "=" not in text and not text.startswith("~"):
            raise UserError(f"Expected key=value, got {text!r}; `dcanas --help` shows the options.")
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise UserError(f"A setting cannot be read: {' '.join(str(error).split())}") from error




def _check(override: Override, base: DictConfig) -> None:
    """Raise for a group choice or a key that does not exist, with the nearest one that does."""
    key = override.key_or_group.split("@")[0]
    if key in GROUPS:
        choice = (override.input_line or "").partition("=")[2]
        if choice != "null" and choice not in choices(key):
            raise unknown(key, choice, choices(key))
        return
    if key == "budget" or key.startswith("budget.") or key.startswith("default_budget"):
        return
    with open_dict(base):
        known = list(_keys(base))
    inside = [name for name in known if name.startswith(f"{key}.")]
    free = any(key.startswith(f"space.{s}_skeleton.") for s in ("final", "search"))
    if key not in known and not inside and not free:
        raise unknown("setting", key, [*known, *GROUPS, "budget.params"])


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    for key in config:
        name = f"{prefix}{key}"
        yield name
        if OmegaConf.is_dict(config) and not OmegaConf.is_missing(config, key) and \
                isinstance(config._get_node(key), DictConfig) and config[key] is not None:
            yield from _keys(config[key], f"{name}.")


def _open(text: str) -> str:
    """Let costs and skeleton options be added freely: our own checks know them better than Hydra does."""
    free = ("budget.", "budget=", "default_budget.", "space.final_skeleton.", "space.search_skeleton.")
    return f"++{text}" if text.startswith(free) else text


def _names(overrides: Sequence[str], key: str) -> bool:
    return any(o.key_or_group == key for o in _parse(overrides))


def _take(stored: DictConfig, config: DictConfig, key: str) -> None:
    """Copy what the command line stated from the composed configuration over the source's settings."""
    if key.split(".")[0] in NOT_SETTINGS or key == "experiment":
        return
    if key == "budget" or key.startswith("budget."):
        stored.budget = config.budget  # a stated budget replaces the source's as a whole
    else:
        OmegaConf.update(stored, key, OmegaConf.select(config, key), merge=False)


def _budget(stated: Any, default: Any) -> dict[str, float | str]:
    """Return the limits stated, flattened (`eyeriss.latency_ms`), or the default ones where none is."""
    if isinstance(stated, str) and stated.lower() == "none":
        return {}
    flat = dict(_flatten(stated or default or {}))
    for name, limit in flat.items():
        percentile = isinstance(limit, str) and re.fullmatch(r"p([1-9]\d?)", limit)
        if not percentile and (isinstance(limit, bool) or not isinstance(limit, (int, float))):
            raise UserError(f"The limit budget.{name} must be a positive number or a percentile p1 to p99, "
                            f"got {limit!r}.")
    return flat


def _flatten(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(values, dict):
        raise UserError(f"The budget must name costs (budget.params=100000), got {values!r}.")
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
