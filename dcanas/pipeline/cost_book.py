"""Costs of networks on one device, their limits, and the share of the space within them; each computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from dcanas.basics.hooks import Hooks
from dcanas.costs import Budget, CostModel, Feasibility, LinearCost, Networks, count_costs, feasibility
from dcanas.costs.code_bytes import code_costs
from dcanas.costs.feasibility import percentile, select_costs
from dcanas.costs.plan_cost import PlanCost
from dcanas.hardware import Device
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.devices.lacking import require_source
from dcanas.hardware.latency.source import LatencySources, choose_source
from dcanas.hardware.microcontroller.cores import core_named
from dcanas.search.task import Target

QUALITIES = ("robust_accuracy_min",)  # limits on the trained network, which do not restrict architectures
CHANNEL_BYTES = 2 * 4  # that the delivered file stores beside its network: mean and deviation of each input channel


class CostBook:
    """Costs, budget and feasibility of the delivered network on a device.

    Args:
        networks: the space, input, classes and skeleton of the networks.
        limits: of the run, by cost or DEVICE.cost: numbers in base units, or percentiles of the space such as "p40".
        folder: returns the folder for measurements in the run directory, which is made when it is first needed.
        classes: their names, which a microcontroller stores.

    Raises:
        UserError: the device has no source for a cost that is limited.
    """

    def __init__(self, device: Device, networks: Networks, limits: Mapping[str, float | str],
                 folder: Callable[[], Path], seed: int, hooks: Hooks, classes: Sequence[str] = ()):
        self.device, self.networks, self.seed, self.hooks, self._folder = device, networks, seed, hooks, folder
        self.classes = classes
        self.stated: dict[str, float | str] = {}
        qualities: dict[str, float | str] = {}
        for name, limit in limits.items():
            owner, _, cost = name.rpartition(".")
            if owner not in ("", device.name):
                continue
            if cost in QUALITIES:
                qualities[cost] = limit
            else:
                require_source(device, cost)
                self.stated[cost] = limit
        self.qualities = Budget(qualities)

    @cached_property
    def counted(self) -> list[CostModel]:
        """Return the models of counted costs."""
        device, networks = self.device, self.networks
        stored = "int8-file" if device.dtype == "int8" else device.dtype
        own = CHANNEL_BYTES * networks.input_shape[0]
        linked: list[CostModel] = []
        if isinstance(device, Microcontroller):
            arithmetic = core_named(device.processor.core).arithmetic
            linked = code_costs(networks.space, networks.domain(), arithmetic, self.classes)
        return linked + [replace(cost, base=cost.base + own)
                         if cost.name == "weight_bytes" and isinstance(cost, (LinearCost, PlanCost)) else cost
                         for cost in count_costs(networks.space, networks.input_shape, networks.num_classes, stored,
                                                 **networks.skeleton)]

    @cached_property
    def latency(self) -> LatencySources:
        """Return the sources of the device's limited latencies and energies."""
        return choose_source(self.device, list(self.stated), self.networks, self._folder, self.seed, self.hooks)

    @cached_property
    def costs(self) -> list[CostModel]:
        """Return the models of all costs; a latency that is limited and measured is measured now."""
        return [*self.counted, *self.latency.costs()]

    @cached_property
    def budget(self) -> Budget:
        """Return the limits in base units, none of them above what the device has."""
        limits: dict[str, float] = {}
        for name, limit in self.stated.items():
            if isinstance(limit, str):
                (model,) = select_costs(self.costs, Budget({name: 1.0}))
                limit = percentile(self.networks.space, model, float(limit[1:]), self.seed)
            limits[name] = limit
        for cost, most in self.device.capacity.items():
            if most is not None and cost in self.device.costs:
                limits[cost] = min(limits.get(cost, most), most)
        return Budget(limits)

    @cached_property
    def feasibility(self) -> Feasibility:
        """Return ranges of costs and the share of the space within the budget."""
        return feasibility(self.networks.space, self.costs, self.budget, self.seed)

    def feasibility_unmeasured(self) -> Feasibility:
        """Return the feasibility without the limits that need a measurement, which it names."""
        ask = [cost for cost, how in self.latency.decided_by.items() if how == "measured"]
        if not ask:
            return self.feasibility
        known = {name: limit for name, limit in self.stated.items() if name not in ask}
        book = CostBook(self.device, self.networks, known, self._folder, self.seed, self.hooks, self.classes)
        return replace(book.feasibility, unmeasured=tuple(ask))

    @property
    def target(self) -> Target:
        """Return the device as a search sees it."""
        return Target(self.device.name, self.budget, self.costs, self.latency, self.device.dtype)
