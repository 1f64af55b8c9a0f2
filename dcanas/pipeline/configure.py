"""From chosen presets and stated values to a run's settings and options; the command line and the Python API share it.

Layers, the last one wins: defaults of the fields, what suits the data set, the space and both, then the presets of
search, train, space and experiment, then what the user states. `conf/config.yaml` lists the presets in this order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from dcanas.basics.errors import UserError
from dcanas.basics.fields import described
from dcanas.basics.keys import plain
from dcanas.basics.launcher import read_launch
from dcanas.basics.machine import usable_cores
from dcanas.basics.mapping import flattened, from_mapping
from dcanas.basics.own_file import GROUPS
from dcanas.basics.plugins import used_plugins
from dcanas.basics.typed_path import typed_path
from dcanas.costs.units import explain_limit, parse_limit
from dcanas.pipeline.asked_search import with_supernet
from dcanas.pipeline.auto_space import AUTO, whose_weights
from dcanas.pipeline.own_files import load_own_files, own_files
from dcanas.pipeline.own_images import suit_images
from dcanas.pipeline.own_plugins import load_named
from dcanas.pipeline.own_presets import paths_of, refuse_code_from_elsewhere, take_back, take_options
from dcanas.pipeline.preset_files import merged, preset_names, presets
from dcanas.pipeline.setting_keys import check_keys, complete
from dcanas.pipeline.settings import Options, Settings, require_plugins, stored_settings
from dcanas.training.folder import ImageFacts

RECORDED = ("space.file", "search.file", "search.table", "search.score_table", "proxies.file", "data.root",
            "data.labels", "train.init", "train.distillation.weights", "pretrained.file")  # kept absolute
PATHS = (*RECORDED, "data.test_folder", "source", "run.dir", "run.root", "architecture", "list", "against", "onnx",
         "deploy.images", "deploy.folder")  # taken as typed
ANY: Any = object()  # value of a setting that is taken back
HOME = ("source", "run.dir", "run.root")  # options in which ~ stands for the home directory


def composed(choices: Mapping[str, str], stated: Mapping[str, Any], own: type | None = None,
             facts: ImageFacts | None = None, *, removed: Mapping[str, Any] | None = None,
             resolve: Callable[[str], str] = str) -> tuple[dict[str, Any], list[str]]:
    """Return what is asked, settings and options, as nested values; and what was inferred, in sentences.

    Args:
        choices: group -> name of a preset.
        stated: dotted key -> value of a setting or an option.
        own: class of the options that only the command has (see `command_options`).
        facts: number and sizes of images in memory.
        removed: dotted key of a setting or a group that is to have its default whatever the presets state -> the value
            that they must state, or `ANY`.
        resolve: how `${...}` in a path is read.

    Raises:
        UserError: a preset, a setting or the run to start from does not exist, or the chosen search does not read a
            setting.
    """
    options = {key: plain(default) for kind in (Options, own) if kind for key, default, *_ in described(kind)}
    named = stated.get("plugins")
    stated = {key: value for key, value in stated.items() if key != "plugins"}
    refuse_code_from_elsewhere(choices, {"plugins": named, **stated})
    load_named(named, choices)
    changes = {"pretrained.name" if key == "pretrained" and isinstance(value, str) else key: value
               for key, value in sorted(stated.items(), key=lambda item: item[0].count("."))  # the order means nothing
               if key not in options}
    removed = {key: value for key, value in (removed or {}).items() if key not in options}
    changes |= {key: _absolute(key, resolve(value)) for key, value in paths_of(changes, RECORDED).items()}
    for key in options.keys() & stated.keys():
        value = stated[key]
        options[key] = str(typed_path(value)) if key in HOME and value and isinstance(value, str) else value
    notes: list[str] = []
    choices = {group: name for group, name in choices.items() if (group, name) != ("space", AUTO)}
    if options["source"] is None:
        choices = {"space": "file", **choices} if "space.file" in changes else choices
        values = presets(choices)
        changes |= {key: _absolute(key, resolve(value)) for key, value in paths_of(values, RECORDED).items()
                    if key not in changes and not {key, key.partition(".")[0]} & set(removed)}
        data = merged(values, {key: value for key, value in changes.items() if key.partition(".")[0] == "data"})["data"]
        if facts is not None or data["name"] == "folder":
            values, notes = suit_images(values, choices, data, changes, facts, getattr(own, "searches", True))
        else:
            choices, notes = with_supernet(choices, changes)
            values = presets(choices)
        values, more = take_options(values, options)
        options |= {key: value for key, value in more.items() if key not in stated}
    else:
        load_own_files(changes)
        values = _taken_over(Path(options["source"]), choices, changes)
    values = take_back(values, removed, ANY)
    values.pop("plugins", None)
    default_budget = changes.pop("default_budget", values.pop("default_budget", None))
    groups = {group: values.get(group, {}) for group in GROUPS}
    own_file = any(f"{group}.file" in changes or its.get("file") or its.get("name") == "file"
                   for group, its in groups.items())
    files = own_files(values, changes) if own_file else {}
    check_keys([*changes, *removed], files.get("search.name", values["search"]["name"]), options)
    settings = complete(Settings, merged(values, changes | files), changes)
    settings["pretrained"]["name"] = whose_weights(settings)
    budget = settings["budget"]
    none = isinstance(budget, str) and budget.lower() == "none"
    if not none and not isinstance(budget or {}, Mapping):
        raise UserError(f"The budget must name costs (budget.params=100000) or be none, got {budget!r}.")
    settings["budget"] = {} if none else dict(flattened(budget or {
        cost: limit for cost, limit in (default_budget or {}).items() if limit is not None}))
    settings["plugins"] = used_plugins(settings)
    limits = flattened({key: value for key, value in changes.items() if key.partition(".")[0] == "budget"})
    notes += filter(None, (explain_limit(name.removeprefix("budget."), limit) for name, limit in limits))
    return merged({"name": None, **settings}, options), notes


def configured(values: Mapping[str, Any], notes: Sequence[str] = (),
               own: type | None = None) -> tuple[Settings, Options]:
    """Return what `composed` returns as checked settings and options.

    The numbers of threads and processes become those that the run will use: as stated, as it began, or as the machine
    has.

    Raises:
        UserError: something cannot be used.
    """
    run, launch, folder = dict(values["run"]), read_launch(), values["run"]["dir"] or values["source"]
    if not isinstance(folder, str | None):
        raise UserError(f"{'run.dir' if run['dir'] else 'source'} must be a path, got {folder!r}; write one word.")
    threads, task_threads, _ = run.pop("threads"), run.pop("task_threads"), run.pop("processes", None)
    if threads is None and folder is not None and (Path(folder) / "settings.yaml").is_file():
        threads = stored_settings(Path(folder))["run"]["threads"]
    if threads is None:
        threads = max(1, usable_cores() // launch.local_count)
    settings: Settings = from_mapping(Settings, {
        **{f.name: values[f.name] for f in fields(Settings)},
        "budget": {name: limit if isinstance(limit, str) and re.fullmatch(r"p\d+", limit) else parse_limit(name, limit)
                   for name, limit in values["budget"].items()},
        "run": {"threads": threads, "processes": launch.count, "task_threads": task_threads}})
    if settings.train.warming_up != settings.train.warmup_epochs:
        notes = [*notes, f"train.warmup_epochs={settings.train.warmup_epochs:g} would be all of the training: the "
                         f"learning rate rises for {settings.train.warming_up:g} epochs instead."]
    name = values["name"]
    options: Options = from_mapping(Options, {
        "name": f"{settings.data.name}-{settings.space.name}" if name is None else str(name),
        "source": values["source"], "run": run, "deploy": values["deploy"], "notes": notes,
        "own": own and from_mapping(own, {f.name: values[f.name] for f in fields(own)})})
    return settings, options


def _absolute(key: str, typed: str) -> str:
    """Return a path as it was meant where it was typed; `data.labels` may also be a file in `data.root`."""
    path = typed_path(typed)
    return typed if key == "data.labels" and not path.exists() else str(path.absolute())


def _taken_over(source: Path, choices: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a finished run with the presets that were chosen in the place of its own.

    A stated budget replaces the source's as a whole.
    """
    if "experiment" in choices:
        raise UserError("experiment= states all settings and source= takes those of a finished run; drop one.")
    stored = stored_settings(source)
    require_plugins(source, stored)
    its = {group: stored[group]["name"] for group in ("space", "data") if stored[group]["name"] in preset_names(group)}
    chosen = presets({**its, **choices})
    budget: dict[str, Any] = {"budget": {}} if any(key.partition(".")[0] == "budget" for key in changes) else {}
    return {**stored, **{group: chosen[group] for group in choices}, **budget}
