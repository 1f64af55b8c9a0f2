"""A run directory as plain values: everything that its report is made from."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_yaml
from dcanas.basics.manifest import read_manifest, require_whole
from dcanas.basics.version import __version__
from dcanas.report.delivery import BESIDE, BUNDLE, RIVAL
from dcanas.report.kinds import read_result

STAGES = {"derive": "architecture", "train": "train", "export": "export", "profile": "profile",
          "certificate": "certificate"}  # of each device, in order, and the file that each writes
SEARCHED = ("scores.json", "supernet.json", "study.json", "halving.json", "slices.json", "search.json")  # by them
REPORT = "report.html"  # written anew by every command that shows a run
FURTHER = ("pool", "evaluations", "mistakes", "latency")  # files for the report alone


@dataclass(frozen=True)
class DeviceRecord:
    """The results for one device; `parts` holds the existing files of `STAGES` and `FURTHER` by name.

    "rival" is the certificate of the rival, if the run compared the searched network with one.
    """

    name: str
    folder: Path
    parts: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return the content of a file, or None if it does not exist."""
        return self.parts.get(name)


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        ending: `run.json`: state, message, command, versions, machine.
        search: content of one of `SEARCHED`, None before the end of the search.
        front: `front.json` of `dcanas front`, if it was asked for.
        search_rows: epochs or trials of the search, finished or not.
        training_rows: per device the epochs of its training, finished or not.
    """

    folder: Path
    settings: Mapping[str, Any]
    ending: Mapping[str, Any]
    feasibility: Mapping[str, Any] | None
    search: Mapping[str, Any] | None
    front: Mapping[str, Any] | None
    search_rows: list[dict[str, Any]]
    training_rows: Mapping[str, list[dict[str, Any]]]
    devices: tuple[DeviceRecord, ...]

    @property
    def unchecked(self) -> bool:
        """Whether no manifest names the certificates: an older version made them."""
        known = {self.folder / result.done for result in read_manifest(self.folder)}
        return any(device["certificate"] and device.folder / "certificate.json" not in known for device in self.devices)

    @property
    def name(self) -> str:
        """Name of the run directory."""
        return self.folder.resolve().name

    @property
    def infeasible(self) -> dict[str, Any]:
        """What `feasibility.json` says of each device whose budget no architecture meets."""
        return {name: found for name, found in (self.feasibility or {}).items() if not found["feasible"]}

    @property
    def images(self) -> tuple[tuple[int, int, int], int] | None:
        """Shape (C, H, W) of the images and number of classes, None before there is a certificate."""
        data = next((device["certificate"]["data"] for device in self.devices if device["certificate"]), None)
        return data and (tuple(data["input_shape"]), data["classes"])

    def budget(self, device: str) -> Mapping[str, float]:
        """Return the limits of a device in base units, empty before they are known."""
        return (self.feasibility or {}).get(device, {}).get("budget", {})

    def next_stage(self) -> str | None:
        """Return the first stage that has not run, or None if all have."""
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

    Raises:
        UserError: the folder is not a run directory, the run was made by a newer version, a file is damaged or not the
            one that its stage wrote, or the result of a stage is missing although later ones exist.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a run directory: there is no such folder.")
    if not (folder / "settings.yaml").is_file():
        raise UserError(f"{folder} is not a run directory: it has no settings.yaml.")
    require_whole(folder, f"dcanas run source={folder}", REPORT)
    check_version(folder)
    try:
        settings = read_yaml(folder / "settings.yaml")
    except UserError:
        settings = None
    if not isinstance(settings, dict) or not isinstance(settings.get("device"), list) \
            or not all(isinstance(settings.get(part), dict) for part in ("space", "data", "search", "train")):
        raise UserError(f"{folder / 'settings.yaml'} is damaged; this run cannot be shown, choose another.")
    log = _log(folder / "metrics.jsonl")
    searched = newest(folder, "search*")
    search = next(filter(None, (_json(searched / name) for name in SEARCHED)), None) if searched else None

    def rows(result: Any, stage: str) -> list[dict[str, Any]]:
        return (result or {}).get("history") or [row for row in log if row["stage"] == stage]

    derived = {name: newest(folder / "derived", f"{name}*") for name in settings["device"]}
    devices = tuple(_device(name, inside) for name, inside in derived.items() if inside)
    front = _json(searched / "front.json") if searched else None
    record = RunRecord(folder, settings, _json(folder / "run.json") or {}, _json(folder / "feasibility.json"), search,
                       front, rows(search, searched.name if searched else "search"),
                       {d.name: rows(d["train"], f"train/{d.folder.name}") for d in devices}, devices)
    _refuse_gaps(record)
    return record


def check_version(folder: Path) -> None:
    """Raise `UserError` if a run was made by a newer version, in which its files may mean something else."""
    made = ((_json(folder / "run.json") or {}).get("versions") or {}).get("dcanas")
    try:
        newer = made is not None and Version(made) > Version(__version__)
    except InvalidVersion:
        newer = True
    if newer:
        raise UserError(f"{folder} was made by dcanas {made}, this is {__version__}: install that version or a newer "
                        "one to use the run.")


def _device(name: str, inside: Path) -> DeviceRecord:
    parts = {part: _json(inside / f"{part}.json") for part in (*STAGES.values(), *FURTHER)}
    if parts["profile"]:
        parts["profile"] = {key: value for key, value in parts["profile"].items() if key != "samples_ns"}
    parts["rival"] = _rival(inside / BESIDE)
    return DeviceRecord(name, inside, {part: value for part, value in parts.items() if value is not None})


def _rival(beside: Path) -> Any:
    """Return the certificate of the rival, or None; an older version wrote it into the bundle alone."""
    inside = _json(beside / BUNDLE / "certificate.json")
    return _json(beside / "certificate.json") or (inside and {
        **inside, BUNDLE: BUNDLE, "onnx": f"{BUNDLE}/{inside['onnx']}", "which": RIVAL})


def newest(folder: Path, pattern: str) -> Path | None:
    """Return the folder of this name or, of those with a key beside it, the one that was written to last."""
    name = pattern.rstrip("*")
    found = [path for path in folder.glob(pattern) if path.is_dir()
             and (path.name == name or (path.name.startswith(f"{name}-") and len(path.name) == len(name) + 13))]
    return max(found, key=lambda path: max((p.stat().st_mtime for p in path.iterdir()), default=0.0), default=None)


def _json(path: Path) -> Any:
    """Return the content of a file, or None; raises `UserError` if no stage can have written it."""
    return read_result(path) if path.is_file() else None


def _log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of `metrics.jsonl`, each step once, up to a truncated line; of a damaged one before, say so."""
    rows: list[dict[str, Any]] = []
    last: dict[str, int] = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            new = row["step"] > last.get(row["stage"], -1)
        except (ValueError, KeyError, TypeError, RecursionError):
            if number < len(lines):
                warnings.warn(f"{path} is damaged from line {number}; what follows it is not shown.", stacklevel=2)
            break
        if new:
            rows.append(row)
            last[row["stage"]] = row["step"]
    return rows


def _refuse_gaps(record: RunRecord) -> None:
    """Raise `UserError` if the result of a stage is missing, but a later one exists."""
    chain = [("feasibility", record.feasibility is not None), ("search", record.search is not None)]
    chains = [[*chain, *((stage, device[part] is not None) for stage, part in STAGES.items()
                         if stage != "profile" or not device["certificate"] or "latency" in device["certificate"])]
              for device in record.devices]
    for there in chains or [chain]:
        last = max((i for i, (_, found) in enumerate(there) if found), default=-1)
        for stage, found in there[:last]:
            if not found:
                again = record.ending.get("command") or "dcanas run"
                raise UserError(f"{record.folder} is incomplete: {stage} has not run or its result was removed, though "
                                f"{there[last][0]} is there; run `{again}` to make it again.")
