"""The task of a search: the argument of every `SearchMethod`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from dcanas.basics.fan_out.engine import ALONE as ONE_PROCESS
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.costs import Budget, CostModel
from dcanas.costs.feasibility import select_costs
from dcanas.hardware.latency.source import LatencySources
from dcanas.search.pool import keeps
from dcanas.spaces import Architecture, Space
from dcanas.training import Dataset, Recipe
from dcanas.training.ranks import ALONE, Ranks

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Target:
    """A device that networks are searched for.

    Attributes:
        budget: its limits, by cost.
        costs: models of all costs known of its networks, limited or not, upper bounds included.
        latency: the sources of its latencies and energies.
        dtype: of the delivered network, "fp32" or "int8".
    """

    name: str
    budget: Budget
    costs: Sequence[CostModel]
    latency: LatencySources
    dtype: str = "fp32"

    def allows(self, arch: Architecture) -> bool:
        """Return whether the upper bounds of all limited costs are within the budget."""
        return keeps(arch, select_costs(self.costs, self.budget), self.budget)


@dataclass(frozen=True)
class SearchTask:
    """A search: a space, data, devices with their limits, and the settings of the method.

    Attributes:
        settings: of the method (`SearchMethod.settings`).
        recipe: how networks are trained; a supernet takes its augmentation from it.
        skeleton: of the final network, which all costs refer to; search_skeleton: of the supernet.
        folder: of the search, for everything that it stores.
        run_settings: all settings of the run as JSON types, for methods that have to distinguish runs.
        device: where networks are trained and scored.
        start: folder of a finished search that this one continues from.
        storage: address of a study's database; None: a file in `folder`.
        storage_patience_s: how long it may be away, in seconds.
        engine: where independent trainings and scorings run.
    """

    space: Space
    dataset: Dataset
    targets: tuple[Target, ...]
    settings: Any
    recipe: Recipe
    seed: int
    split_seed: int
    skeleton: Mapping[str, Any]
    search_skeleton: Mapping[str, Any]
    folder: Path
    name: str = "dcanas"
    run_settings: Mapping[str, Any] = field(default_factory=dict)
    device: torch.device = CPU
    hooks: Hooks = QUIET
    ranks: Ranks = ALONE
    start: Path | None = None
    storage: str | None = None
    storage_patience_s: float = 600.0
    engine: Engine = ONE_PROCESS

    @cached_property
    def limits(self) -> tuple[Budget, list[CostModel]]:
        """Return the limits of all devices and their models: the tightest one of a counted cost, each device's own
        of a latency or an energy."""
        limits: dict[str, float] = {}
        models: dict[str, CostModel] = {}
        for target in self.targets:
            for cost in select_costs(target.costs, target.budget):
                shared = len(self.targets) == 1 or cost.source == "counted"
                name = cost.name if shared else f"{target.name}.{cost.name}"
                if target.budget[cost.name] < limits.get(name, float("inf")):
                    limits[name] = target.budget[cost.name]
                    models[name] = cost if shared else replace(cost, name=name)  # type: ignore[type-var]
        return Budget(limits), [models[name] for name in limits]
