"""A run directory, read: everything its report is made from, as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.basics.version import __version__

STAGES = {"derive": "architecture", "train": "train", "export": "export", "profile": "profile",
          "certificate": "certificate"}  # of each device, in order, and the file each leaves behind
SEARCHED = ("scores.json", "supernet.json", "study.json")  # what searches of all kinds leave behind
NEEDED = {"architecture": ("architecture", "skeleton", "space"), "train": ("confusion", "per_class_recall", "history"),
          "certificate": ("rows", "accuracy", "architecture", "budget", "data")}  # what is read of them at least
LISTS = ("pool", "robustness")
FURTHER = ("pool", "evaluations", "mistakes", "latency", "robustness")  # what they leave for readers


@dataclass(frozen=True)
class DeviceRecord:
    """What was made for one device; `parts` holds the files of `STAGES` and `FURTHER` that are there, by name."""

    name: str
    folder: Path
    parts: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return the content of a file, or None where it is not there."""
        return self.parts.get(name)


@dataclass(frozen=True)
class RunRecord:
    """One run.

    ending: `run.json`: state, message, command, versions, machine (empty for runs of before there was one).
    search: one of `SEARCHED`, None before the search's end; search_rows: its epochs or trials, finished or not.
    training_rows: per device the epochs of its training, finished or not.
    """

    folder: Path
    settings: Mapping[str, Any]
    ending: Mapping[str, Any]
    feasibility: Mapping[str, Any] | None
    search: Mapping[str, Any] | None
    search_rows: list[dict[str, Any]]
    training_rows: Mapping[str, list[dict[str, Any]]]
    devices: tuple[DeviceRecord, ...]

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def infeasible(self) -> dict[str, Any]:
        """Per device whose budget nothing meets, what `feasibility.json` says of it."""
        return {name: found for name, found in (self.feasibility or {}).items() if not found["feasible"]}

    def next_stage(self) -> str | None:
        """Return the first stage that has not run, or None where all have."""
        if self.feasibility is None:
            return "feasibility"
        if self.search is None:
            return "search"
        for name in self.settings["device"]:
            device = next((d for d in self.devices if d.name == name), None)
            for stage, part in STAGES.items():
                if device is None or (device[part] is None and not (stage == "profile" and device["certificate"])):
                    return f"{stage} for {name}" if len(self.settings["device"]) > 1 else stage
        return None


def read_run(folder: Path) -> RunRecord:
    """Read a run directory.

    Raises `UserError` for a folder that is none, a run of a newer version, a damaged file, and a run in which a
    stage's result is missing although later ones are there.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no run directory: there is no such folder.")
    if not (folder / "settings.yaml").is_file():
        raise UserError(f"{folder} is no run directory: it has no settings.yaml.")
    ending = _json(folder / "run.json") or {}
    check_version(folder)
    try:
        settings = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        settings = None
    if not isinstance(settings, dict) or not isinstance(settings.get("device"), list) \
            or not all(isinstance(settings.get(part), dict) for part in ("space", "data", "search", "train")):
        raise UserError(f"{folder / 'settings.yaml'} is damaged; this run cannot be shown, choose another.")
    log = _log(folder / "metrics.jsonl")
    searched = _newest(folder, "search*")
    search = next(filter(None, (_part(searched / name) for name in SEARCHED)), None) if searched else None
    stage = searched.name if searched else "search"
    record = RunRecord(
        folder, settings, ending, _part(folder / "feasibility.json"), search,
        (search or {}).get("history") or [row for row in log if row["stage"] == stage],
        {}, tuple(_device(folder, name) for name in settings["device"] if _newest(folder / "derived", f"{name}*")))
    rows = {d.name: (d["train"] or {}).get("history")
            or [row for row in log if row["stage"] == f"train/{d.folder.name}"] for d in record.devices}
    record = RunRecord(**{**vars(record), "training_rows": rows})
    _refuse_gaps(record)
    return record


def check_version(folder: Path) -> None:
    """Raise `UserError` where a run was made by a newer version: what it holds may mean something else by now."""
    made = ((_json(folder / "run.json") or {}).get("versions") or {}).get("dcanas")
    try:
        newer = made is not None and Version(made) > Version(__version__)
    except InvalidVersion:
        newer = True
    if newer:
        raise UserError(f"{folder} was made by dcanas {made}, this is {__version__}: install that version or a newer "
                        "one to use the run.")


def _device(folder: Path, name: str) -> DeviceRecord:
    inside = _newest(folder / "derived", f"{name}*")
    assert inside is not None
    parts = {part: _part(inside / f"{part}.json") for part in (*STAGES.values(), *FURTHER)}
    if parts["profile"]:
        parts["profile"] = {key: value for key, value in parts["profile"].items() if key != "samples_ns"}
    return DeviceRecord(name, inside, {part: value for part, value in parts.items() if value is not None})


def _newest(folder: Path, pattern: str) -> Path | None:
    """Return the folder of this name, or of those beside it with a key the one that was worked on last."""
    name = pattern.rstrip("*")
    found = [path for path in folder.glob(pattern) if path.is_dir()
             and (path.name == name or (path.name.startswith(f"{name}-") and len(path.name) == len(name) + 13))]
    return max(found, key=lambda path: max((p.stat().st_mtime for p in path.iterdir()), default=0.0), default=None)


def _json(path: Path) -> Any:
    return read_json(path) if path.is_file() else None


def _part(path: Path) -> Any:
    """Return the content of a stage's file, or None; raises `UserError` where it is not what a stage writes."""
    found = _json(path)
    if found is None or path.stem in LISTS:
        return found
    lacking = ["its results"] if not isinstance(found, dict) else \
        [key for key in NEEDED.get(path.stem, ()) if key not in found]
    if lacking:
        raise UserError(f"{path} is damaged: it lacks {', '.join(lacking)}; delete it and run the command again.")
    return found


def _log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of `metrics.jsonl`, up to a line that was cut off."""
    rows: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
            if not {"stage", "step"} <= set(row):
                break
        except (ValueError, TypeError):
            break
        rows.append(row)
    return rows


def _refuse_gaps(record: RunRecord) -> None:
    """Raise `UserError` where a stage's result is not there, but a later one's is."""
    chain = [("feasibility", record.feasibility is not None), ("search", record.search is not None)]
    for device in record.devices or ():
        there = [*chain, *((stage, device[part] is not None) for stage, part in STAGES.items()
                           if stage != "profile" or not device["certificate"] or "latency" in device["certificate"])]
        last = max((i for i, (_, found) in enumerate(there) if found), default=-1)
        for stage, found in there[:last]:
            if not found:
                raise UserError(f"{record.folder} is incomplete: {stage} has not run or its result was removed, though "
                                f"{there[last][0]} is there; run `{_again(record)}` to make it again.")
    if record.search is not None and record.feasibility is None:
        raise UserError(f"{record.folder} is incomplete: feasibility has not run or its result was removed, though "
                        f"search is there; run `{_again(record)}` to make it again.")


def _again(record: RunRecord) -> str:
    return record.ending.get("command") or "dcanas run"
