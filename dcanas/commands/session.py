"""One run: its settings, its directory and what its stages share, each made when it is first needed."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of, plain
from dcanas.commands.configure import store_settings, stored_settings
from dcanas.commands.display import Display
from dcanas.commands.interrupt import Interrupts
from dcanas.commands.settings import RunOptions, Settings, differences
from dcanas.costs import Budget, CostModel, Feasibility, LinearCost, count_costs, feasibility
from dcanas.costs.feasibility import percentile, select_costs
from dcanas.hardware import Device, load_device
from dcanas.hardware.latency_model import latency_costs
from dcanas.report.metrics import MetricsLog
from dcanas.spaces import Space, load_space
from dcanas.training import Dataset, load_data

LATENCIES = ("latency_ms", "latency_p95_ms")
DERIVED = {  # stage -> files in derived/<device>/ that a later command takes over from a finished run
    "derive": ("architecture.json",),
    "train": ("train.json", "weights.pt"),
    "export": ("model.onnx", "export.json"),
    "profile": ("profile.json",),
}


class Session:
    """A run while it goes on. `command` is what the user typed, for the certificate."""

    def __init__(self, settings: Settings, options: RunOptions, command: str):
        self.settings, self.options, self.command = settings, options, command
        self.display = Display(options.progress)
        self.interrupts = Interrupts()
        threads = options.threads or len(os.sched_getaffinity(0))
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)

    @cached_property
    def source(self) -> Path | None:
        """The finished run to start from, where it is another than this."""
        if self.options.source is None:
            return None
        source = Path(self.options.source)
        same = not differences(plain(self.settings), stored_settings(source))
        return None if same and self.options.dir is None else source

    @cached_property
    def folder(self) -> Path:
        """The run directory, made or checked: one that belongs to other settings is refused."""
        if self.options.source is not None and self.source is None:
            return Path(self.options.source)
        origin = str(self.source.resolve()) if self.source else None
        name = f"{self.options.name}-{key_of(self.settings, origin) if origin else self.settings.key}"
        folder = Path(self.options.dir) if self.options.dir else Path(self.options.root) / name
        if (folder / "settings.yaml").exists():
            different = differences(plain(self.settings), stored_settings(folder))
            if different:
                raise UserError(f"{folder} belongs to a run with other settings ({'; '.join(different)}); choose "
                                "another run.dir, or leave it out and every run gets its own.")
        elif folder.is_dir() and any(folder.iterdir()):
            raise UserError(f"{folder} holds other files and is no run directory; choose another run.dir.")
        elif folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file; run.dir must be a directory.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder} cannot be made ({error.strerror}); choose another run.dir.") from error
        store_settings(folder, self.settings)
        return folder

    @cached_property
    def log(self) -> MetricsLog:
        return MetricsLog(self.folder)

    @cached_property
    def space(self) -> Space:
        return load_space(self.settings.space.name)

    @cached_property
    def devices(self) -> list[Device]:
        return [load_device(name) for name in self.settings.device]

    @cached_property
    def dataset(self) -> Dataset:
        return load_data(self.settings.data, None if self.options.dir is None else Path(self.options.dir) / "cache")

    @property
    def skeleton(self) -> dict[str, Any]:
        """Of the final network."""
        return self.space.complete_skeleton(self.settings.space.final_skeleton)

    @cached_property
    def compute(self) -> torch.device:
        """Where searching and training happen."""
        wanted = self.options.compute
        if wanted == "cuda" and not torch.cuda.is_available():
            raise UserError("run.compute=cuda, but torch finds no CUDA device here; use run.compute=cpu.")
        return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")

    def costs(self, device: Device) -> list[CostModel]:
        """Return the cost models of the delivered network on a device: the counts and, where latency is limited,
        the latencies predicted from a few measured members."""
        counted = [delivered(cost, self.dataset.shape[0]) for cost in count_costs(
            self.space, self.dataset.shape, len(self.dataset.classes), device.dtype, **self.skeleton)]
        limited = tuple(name for name in LATENCIES if name in self._stated(device))
        return [*counted, *(self._latencies(device, counted[1]) if limited else ())]

    def budget(self, device: Device) -> Budget:
        """Return the limits that concern a device, percentiles turned into the cost's own unit."""
        models = {cost.name: cost for cost in self.costs(device)}
        return Budget({name: self._resolve(name, limit, models) for name, limit in self._stated(device).items()})

    def feasibility(self, device: Device) -> Feasibility:
        """Return what the budget leaves of the space."""
        return feasibility(self.space, self.costs(device), self.budget(device), self.settings.seed)

    def place(self, folder: Path, key: str) -> Path:
        """Return `folder` where it is free or belongs to `key`, else one beside it: nothing is written over."""
        mark = folder / "key.json"
        if mark.exists() and read_json(mark)["key"] != key:
            folder = folder.with_name(f"{folder.name}-{key}")
            mark = folder / "key.json"
        if not mark.exists():
            write_json(mark, {"key": key})
        return folder

    def _stated(self, device: Device) -> dict[str, float | str]:
        """Limits without a device's name hold for all, `NAME.cost` for that one."""
        limits: dict[str, float | str] = {}
        for name, limit in self.settings.budget.items():
            owner, _, cost = name.rpartition(".")
            if owner and owner not in self.settings.device:
                raise UserError(f"budget.{name} speaks of device {owner!r}, but the run is for "
                                f"{', '.join(self.settings.device)}; add it to device=[...] or drop the limit.")
            if not owner or owner == device.name:
                limits[cost] = limit
        return limits

    def _resolve(self, name: str, limit: float | str, models: dict[str, CostModel]) -> float:
        if not isinstance(limit, str):
            return limit
        select_costs(list(models.values()), Budget({name: 1.0}))  # a cost nobody knows is refused by name
        return percentile(self.space, models[name], float(limit[1:]), self.settings.seed)

    def _latencies(self, device: Device, macs: CostModel) -> list[LinearCost]:
        cached = self.__dict__.setdefault("_latency_cache", {})
        if device.name not in cached:
            with self.display.stage(f"Measuring a few members of {self.space.name} on {device.name}"):
                costs, fits = latency_costs(self.space, device, self.folder / "latency" / device.name, macs,
                                            self.dataset.shape, len(self.dataset.classes), seed=self.settings.seed,
                                            **self.skeleton)
            fit = fits["latency_ms"]
            self.display.say(f"  latency of members left out is predicted within {100 * fit.loo_mape:.0f} % on average "
                             f"(a line in MACs: {100 * (fit.macs_mape or 0):.0f} %), bounded by "
                             f"+{100 * fit.relative_residual_q95:.0f} %, from {fit.n} measured")
            cached[device.name] = list(costs.values())
        return cached[device.name]


def delivered(cost: CostModel, channels: int) -> CostModel:
    """Return the cost of the delivered file: it also stores mean and standard deviation of each input channel."""
    if cost.name == "weight_bytes" and isinstance(cost, LinearCost):
        return replace(cost, base=cost.base + 2 * 4 * channels)
    return cost


def typed_command(command: str, arguments: list[str]) -> str:
    """Return the command line that repeats this run."""
    return shlex.join(["dcanas", command, *arguments])


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    from importlib.metadata import version
    from platform import python_version

    from dcanas import __version__

    packages = ("torch", "numpy", "onnx", "onnxscript", "onnxruntime")
    return {"dcanas": __version__, "python": python_version(), **{name: version(name) for name in packages}}
