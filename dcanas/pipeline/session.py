"""One run: its settings, its directory and what its stages share, each made when it is first needed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of, plain
from dcanas.basics.machine import usable_cores
from dcanas.cli.configure import store_settings, stored_settings
from dcanas.cli.display import Display
from dcanas.cli.interrupt import Interrupts
from dcanas.costs import Budget, CostModel, Feasibility, LinearCost, count_costs, feasibility
from dcanas.costs.feasibility import percentile, select_costs
from dcanas.costs.plan_cost import PlanCost
from dcanas.hardware import Device, load_device
from dcanas.hardware.devices.device import Ssh
from dcanas.hardware.latency.fitted import latency_costs
from dcanas.hardware.latency.known_latency import known_latency
from dcanas.hardware.transport.parallel import on_all
from dcanas.pipeline.devices import published_costs, with_capacity
from dcanas.pipeline.predicting import learnt_latency
from dcanas.pipeline.settings import RunOptions, Settings, differences
from dcanas.report.metrics import MetricsLog
from dcanas.search.searchable import check_searchable
from dcanas.spaces import Space, load_space, load_space_file
from dcanas.spaces.user_file import file_hash
from dcanas.training import Dataset, load_data
from dcanas.training.checks import check_recipe

LATENCIES = ("latency_ms", "latency_p95_ms")
QUALITIES = ("robust_accuracy_min",)  # limits on the trained network: no architecture has or breaks them by itself
CACHE = "cache"  # inside the run directory: decoded images too large for memory


class Session:
    """A run while it goes on. `command` is what the user typed, for the certificate."""

    def __init__(self, settings: Settings, options: RunOptions, command: str):
        self.settings, self.options, self.command = settings, options, command
        self.display = Display(options.progress)
        self.interrupts = Interrupts()
        self.space: Space = _space(settings).within(settings.space.search_skeleton)
        self.devices: list[Device] = [load_device(name) for name in settings.device]
        self._costs: dict[str, list[CostModel]] = {}
        self._budgets: dict[str, Budget] = {}
        sharing = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # processes of torchrun on this machine
        torch.set_num_threads(options.threads or max(1, usable_cores() // sharing))
        # Nobody reads memory that was not written, and filling it costs time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would import a compiler for seconds

    @cached_property
    def source(self) -> Path | None:
        """The finished run to start from, where it is another than this."""
        if self.options.source is None:
            return None
        source = Path(self.options.source)
        same = not differences(plain(self.settings), stored_settings(source))
        return None if same and self.options.dir is None else source

    @cached_property
    def location(self) -> Path:
        """Where the run directory is or will be."""
        if self.options.source is not None and self.source is None:
            return Path(self.options.source)
        if self.options.dir is not None:
            return Path(self.options.dir)
        key = key_of(self.settings, str(self.source.resolve())) if self.source else self.settings.key
        return Path(self.options.root) / f"{self.options.name}-{key}"

    @cached_property
    def folder(self) -> Path:
        """The run directory, checked and made; one that belongs to other settings is refused."""
        folder = self.location
        if (folder / "settings.yaml").exists():
            different = differences(plain(self.settings), stored_settings(folder))
            if different:
                raise UserError(f"{folder} belongs to a run with other settings ({'; '.join(different.values())}); "
                                "choose another run.dir, or leave it out and every run gets its own.")
        elif folder.is_dir() and any(path.name != CACHE for path in folder.iterdir()):
            raise UserError(f"{folder} holds other files and is no run directory; choose another run.dir.")
        elif folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file; run.dir must be a directory: choose another.")
        self._check()
        store_settings(folder, self.settings)
        return folder

    def _check(self) -> None:
        """Refuse what cannot be used before anything is written."""
        check_searchable(self.space, self.settings.search)
        for device in self.devices:
            self._stated(device)
        _ = self.skeleton, self.compute
        check_recipe(self.settings.train, self.dataset, self.skeleton)

    @cached_property
    def log(self) -> MetricsLog:
        return MetricsLog(self.folder)

    @cached_property
    def dataset(self) -> Dataset:
        return load_data(self.settings.data, self.location / CACHE)

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
        if device.name not in self._costs:
            stored = "int8-file" if device.dtype == "int8" else device.dtype
            counted = [delivered(cost, self.dataset.shape[0]) for cost in count_costs(
                self.space, self.dataset.shape, len(self.dataset.classes), stored, **self.skeleton)]
            stated = self._stated(device)
            measured = self._limited(device)
            self._costs[device.name] = [
                *counted, *(self._latencies(device, counted, measured) if measured else ()),
                *learnt_latency(self, device, stated),
                *published_costs(self.space, device, stated, self.dataset.shape, len(self.dataset.classes),
                                 self.skeleton)]
        return self._costs[device.name]

    def budget(self, device: Device) -> Budget:
        """Return the limits that concern a device, percentiles turned into the cost's own unit."""
        if device.name not in self._budgets:
            stated, costs = self._stated(device), self.costs(device)
            self._budgets[device.name] = Budget(with_capacity(
                device, {name: self._resolve(name, limit, costs) for name, limit in stated.items()}))
        return self._budgets[device.name]

    def qualities(self, device: Device) -> Budget:
        """Return the limits that only the trained network can keep."""
        return Budget({name: limit for name, limit in self._limits(device).items() if name in QUALITIES})

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
        """Return the limits on costs; one the device has no source for is refused by name."""
        limits = {name: limit for name, limit in self._limits(device).items() if name not in QUALITIES}
        for cost in limits:
            device.source(cost)
        return limits

    def _limits(self, device: Device) -> dict[str, float | str]:
        """Limits without a device's name hold for all, `NAME.cost` for that one."""
        limits: dict[str, float | str] = {}
        for name, limit in self.settings.budget.items():
            owner, _, cost = name.rpartition(".")
            if not owner or owner == device.name:
                limits[cost] = limit
        return limits

    def _resolve(self, name: str, limit: float | str, costs: Sequence[CostModel]) -> float:
        if not isinstance(limit, str):
            return limit
        (cost,) = select_costs(costs, Budget({name: 1.0}))
        return percentile(self.space, cost, float(limit[1:]), self.settings.seed)

    def measure_boards(self) -> None:
        """Measure what latency limits ask for on several boards at once; alone or here it is done when first needed."""
        boards = [device for device in self.devices if isinstance(device.connection, Ssh) and self._limited(device)]
        if len(boards) < 2:
            return
        counted = count_costs(self.space, self.dataset.shape, len(self.dataset.classes), **self.skeleton)
        _ = self.folder
        with self.display.stage(f"Measuring a few members of {self.space.name} on {', '.join(d.name for d in boards)}"):
            on_all(boards, lambda device: self._fitted(device, counted, self._limited(device)))

    def _limited(self, device: Device) -> tuple[str, ...]:
        """Return the limited latencies that are measured on the device."""
        stated = self._stated(device)
        return tuple(name for name in LATENCIES if name in stated and device.source(name) == "measured")

    def _fitted(self, device: Device, counted: Sequence[CostModel],
                names: tuple[str, ...]) -> tuple[dict[str, CostModel], dict[str, Any]]:
        macs = next(cost for cost in counted if cost.name == "macs")
        return latency_costs(self.space, device, self.folder / "latency" / device.name, macs, self.dataset.shape,
                             len(self.dataset.classes), names, self.settings.seed, **self.skeleton)

    def _latencies(self, device: Device, counted: Sequence[CostModel], names: tuple[str, ...]) -> list[CostModel]:
        known, told = known_latency(self.space, device, self.folder / "latency" / device.name, self.dataset.shape,
                                    len(self.dataset.classes), self.settings.space.file_sha256, **self.skeleton)
        self.display.say(f"  {told}")
        if known:
            return [known[name] for name in names]
        with self.display.measuring(f"Measuring a few members of {self.space.name} on {device.name}"):
            costs, fits = self._fitted(device, counted, names)
        fit = fits[names[0]]
        self.display.say(f"  latency of members left out is predicted within {100 * fit.loo_mape:.0f} % on average "
                         f"(a line in MACs: {100 * (fit.macs_mape or 0):.0f} %), bounded by "
                         f"+{100 * fit.relative_residual_q95:.0f} %, from {fit.n} measured")
        return list(costs.values())


def _space(settings: Settings) -> Space:
    """Return the run's space; raises `UserError` where the user's file is not the one that the run was made with."""
    stated = settings.space
    if stated.file is None:
        return load_space(stated.name)
    if file_hash(stated.file) != stated.file_sha256:
        raise UserError(f"{stated.file} has changed since the run was made; restore it, or start a new run from it.")
    return load_space_file(stated.file)


def delivered(cost: CostModel, channels: int) -> CostModel:
    """Return the cost of the delivered file: it also stores mean and standard deviation of each input channel."""
    if cost.name == "weight_bytes" and isinstance(cost, (LinearCost, PlanCost)):
        return replace(cost, base=cost.base + delivered_bytes(channels))
    return cost


def delivered_bytes(channels: int) -> int:
    """Return the bytes of mean and standard deviation of each input channel."""
    return 2 * 4 * channels


def typed_command(command: str, arguments: Sequence[str]) -> str:
    """Return the command line that repeats this run."""
    return shlex.join(["dcanas", command, *arguments])


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    from importlib.metadata import version
    from platform import python_version

    from dcanas import __version__

    packages = ("torch", "numpy", "onnx", "onnxscript", "onnxruntime")
    return {"dcanas": __version__, "python": python_version(), **{name: version(name) for name in packages}}
