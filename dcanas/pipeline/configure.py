"""From chosen presets and stated values to a run's settings and options; the command line and the Python API share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.keys import plain
from dcanas.basics.mapping import from_mapping
from dcanas.pipeline.preset_files import preset_names, presets
from dcanas.pipeline.presets import change, explain_limits, make_settings, presets_for
from dcanas.pipeline.settings import RunOptions, Settings, described_options, stored_settings
from dcanas.training.folder import ImageFacts

PATHS = ("source", "run.dir", "run.root")  # options in which ~ stands for the home directory


@dataclass(frozen=True)
class Composed:
    """What is asked of a command.

    Attributes:
        settings: of the run, complete, as nested dictionaries.
        options: where and how, by the keys of the command line.
        asked: values of the command's own keys (see `command_options`).
        notes: what was inferred, and what stated limits mean, for display.
    """

    settings: dict[str, Any]
    options: dict[str, Any]
    asked: dict[str, Any]
    notes: list[str]


def composed(choices: Mapping[str, str], stated: Mapping[str, Any], own: Mapping[str, Any] | None = None,
             facts: ImageFacts | None = None) -> Composed:
    """Return what is asked, before any check but that names exist.

    Args:
        choices: group -> name of a preset.
        stated: dotted key -> value of a setting, an option or one of the command's own keys.
        own: the command's own keys with their defaults.
        facts: what images in memory are like.

    Raises:
        UserError: a preset, a setting or the run to start from does not exist, or the chosen search does not read it.
    """
    asked, options = dict(own or {}), option_defaults()
    changes = {"default_budget": asked.pop("default_budget")} if "default_budget" in asked else {}
    for key, value in stated.items():
        (asked if key in asked else options if key in options else changes)[key] = value
    source = options["source"]
    begin, inferred = presets_for(choices, changes, facts) if source is None else (
        _taken_over(Path(source), choices, changes), [])
    return Composed(change(begin, changes, [*asked, *options]), options, asked, [*inferred, *explain_limits(changes)])


def configured(made: Composed) -> tuple[Settings, RunOptions]:
    """Return checked settings and options; raises `UserError` in one sentence for anything that cannot be used."""
    options = {key: str(Path(value).expanduser()) if value and key in PATHS else value
               for key, value in made.options.items()}
    folder = options["run.dir"] or options["source"]
    settings = make_settings(made.settings, Path(folder) if folder else None)
    if options["name"] is None:
        options["name"] = f"{settings.data.name}-{settings.space.name}"
    values: dict[str, Any] = {"asked": made.asked, "notes": made.notes, "deploy": {}}
    for key, value in options.items():
        (values["deploy"] if key.startswith("deploy.") else values)[key.rpartition(".")[2]] = value
    return settings, from_mapping(RunOptions, {**values, "name": str(values["name"])}, "run")


def option_defaults() -> dict[str, Any]:
    """Return the keys that say where and how a run is done, with defaults."""
    return {key: plain(default) for key, default, *_ in described_options()}


def _taken_over(source: Path, choices: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a finished run with the presets that were chosen in the place of its own.

    A stated budget replaces the source's as a whole.
    """
    if "experiment" in choices:
        raise UserError("experiment= states all settings and source= takes those of a finished run; drop one.")
    stored = stored_settings(source.expanduser())
    its = {group: stored[group]["name"] for group in ("space", "data") if stored[group]["name"] in preset_names(group)}
    chosen = presets({**its, **choices})
    budget: dict[str, Any] = {"budget": {}} if any(key.partition(".")[0] == "budget" for key in changes) else {}
    return {**stored, **{group: chosen[group] for group in choices}, **budget}
