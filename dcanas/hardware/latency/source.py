"""Sources of latency and energy: their protocol, and the function that chooses among them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from dcanas.basics.errors import UserError
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.user_files import load_only
from dcanas.costs import Budget, CostModel, Networks
from dcanas.hardware.devices.cost_sources import CHOSEN, latency_sources
from dcanas.hardware.devices.device import Device
from dcanas.hardware.devices.profiles import user_folder
from dcanas.hardware.latency.device_table import covering_table
from dcanas.hardware.latency.predictor import LatencyPredictor
from dcanas.hardware.measuring.measured_members import SECONDS, measure_members
from dcanas.hardware.measuring.profile import Profile
from dcanas.spaces import Architecture

FBNET = "fbnet"  # published latencies of this space are those of its blocks


@dataclass(frozen=True, eq=False)
class LatencySource(ABC):
    """The source of one cost, a latency or an energy, of a run's networks on one device.

    A source of the user's own is a subclass with `name`, `decided_by` and `make_model`, registered by
    `@latency_sources.add` (docs/add-a-latency-source.md).

    Attributes:
        name: of the source, for the certificate.
        decided_by: how the number that is compared with a limit is obtained: "measured" on the device, "looked up", or
            "predicted" if nothing verifies the prediction; the certificate then says "unverified".
        cost: "latency_ms", "latency_p95_ms" or "energy_mj".
        networks: the networks that the run asks about.
        folder: returns the folder in which measurements are stored.
        seed: of the choice of the networks that are measured, and of their weights.
        hooks: receive stages and messages.
    """

    device: Device
    cost: str
    networks: Networks
    folder: Callable[[], Path]
    seed: int = 0
    hooks: Hooks = QUIET

    name: ClassVar[str]
    decided_by: ClassVar[str]

    @abstractmethod
    def make_model(self) -> CostModel:
        """Measure or learn what is needed and return the cost model of the networks, in ms or mJ."""

    @cached_property
    def model(self) -> CostModel:
        """The cost model; made when it is first asked for."""
        return self.make_model()

    @cached_property
    def predictor(self) -> LatencyPredictor | None:
        """The model if it is one that further measurements improve and verify, else None."""
        return None

    def prepare(self) -> None:  # noqa: B027 (a source that measures nothing has nothing to prepare)
        """Measure what the model needs without messages, so that several boards can do so at once."""

    def ask(self, members: Sequence[Architecture]) -> dict[Architecture, float]:
        """Return per member the number that is compared with a limit before training; empty if it cannot be obtained.

        A measured latency is the upper end of its 95 % confidence interval.
        """
        if self.decided_by == "measured":
            return {arch: profile.upper(self.cost) for arch, profile in self.measure(members).items()}
        return {arch: self.model.upper(arch) for arch in members} if self.decided_by == "looked up" else {}

    def measure(self, members: Sequence[Architecture],
                stage: Callable[[], AbstractContextManager[Any]] = nullcontext,
                seconds: float = SECONDS) -> dict[Architecture, Profile]:
        """Measure exported members on the device, each for so many seconds, within a `stage`, unless that was done
        before."""
        return measure_members(self.networks, members, self.folder(), self.device, seconds, self.seed, stage=stage)

    def bound(self, arch: Architecture) -> float | None:
        """Return the upper bound of an unverified prediction, None if no bound is known."""
        upper = self.model.upper(arch)
        return upper if self.decided_by == "predicted" and upper != self.model.value(arch) else None


@dataclass(frozen=True)
class LatencySources:
    """The sources of all limited latencies and energies of a device, by cost."""

    by_cost: Mapping[str, LatencySource]

    def costs(self) -> list[CostModel]:
        """Return the cost models; what they need is measured or learnt when they are first asked for."""
        return [source.model for source in self.by_cost.values()]

    def prepare(self) -> None:
        """Measure what the cost models need without messages, so that several boards can do so at once."""
        for source in self.by_cost.values():
            source.prepare()

    @property
    def measures(self) -> bool:
        """Whether anything is measured on the device."""
        return "measured" in self.decided_by.values()

    @property
    def predictor(self) -> LatencyPredictor | None:
        """The prediction whose choices have to be verified (`derive_verified`), None if there is none."""
        return next((source.predictor for source in self.by_cost.values() if source.predictor is not None), None)

    def ask(self, arch: Architecture) -> float:
        """Return the milliseconds that verify `predictor` for one member."""
        return self.by_cost["latency_ms"].ask([arch])[arch]

    def broken(self, arch: Architecture, budget: Budget, predicted: bool = True) -> list[str]:
        """Return the limits that a member violates by the deciding numbers, as far as these can be obtained.

        Args:
            predicted: whether the cost of `predictor` is checked too; `derive_verified` does so itself.
        """
        asked = {cost: source.ask([arch]) for cost, source in self.by_cost.items()
                 if cost in budget and (predicted or source.predictor is None)}
        return [cost for cost, found in asked.items() if arch in found and not budget.allows(cost, found[arch])]

    @property
    def decided_by(self) -> dict[str, str]:
        """How the number that is compared with each limit is obtained."""
        return {cost: source.decided_by for cost, source in self.by_cost.items()}

    @property
    def kinds(self) -> dict[str, str]:
        """The name of each cost's source."""
        return {cost: source.name for cost, source in self.by_cost.items()}

    def looked_up(self, arch: Architecture) -> dict[str, float]:
        """Return the deciding numbers that need no measurement of the delivered file, by cost."""
        return {cost: source.ask([arch])[arch] for cost, source in self.by_cost.items()
                if source.decided_by == "looked up"}

    def bounds(self, arch: Architecture) -> dict[str, float]:
        """Return the known upper bounds of predictions, by cost."""
        found = {cost: source.bound(arch) for cost, source in self.by_cost.items()}
        return {cost: bound for cost, bound in found.items() if bound is not None}


def choose_source(device: Device, names: Iterable[str], networks: Networks, folder: Callable[[], Path], seed: int = 0,
                  hooks: Hooks = QUIET) -> LatencySources:
    """Return the sources of a device's limited latencies and energies; nothing is measured yet.

    Args:
        names: the limited costs; those that are neither a latency nor an energy are ignored.
        networks, folder, seed, hooks: see `LatencySource`.

    Raises:
        UserError: the profile states no source for a cost, or a table or a file of the user's own cannot be used.
    """
    kinds = {cost: _kind(device, cost, networks) for cost in CHOSEN if cost in names}
    return LatencySources({cost: kind(device, cost, networks, folder, seed, hooks) for cost, kind in kinds.items()})


def _kind(device: Device, cost: str, networks: Networks) -> type[LatencySource]:
    """Return the class of a cost's source, from the device's profile and the published tables."""
    stated = device.source(cost)
    if stated.endswith(".py"):
        return _from_file(user_folder() / stated, cost)
    blocks = networks.space.name == FBNET and cost == "latency_ms" and device.table is not None
    names = {"measured": "fitted to measurements",
             "looked up": "FBNet's published blocks" if blocks else "published table",
             "predicted": "transferred blocks" if blocks else "transferred table"}
    if stated == "predicted" and cost == "latency_ms" and device.connection is not None:
        stated = "few-shot prediction"
    elif stated == "predicted" and cost == "latency_ms" and covering_table(device, cost, networks):
        stated = "few-shot prediction of a table"
    return latency_sources[names.get(stated, stated)]  # other names were added to the registry


def _from_file(path: Path, cost: str) -> type[LatencySource]:
    """Return the source that the user's own file defines."""
    found: type[LatencySource] = load_only(latency_sources, path, f"costs.{cost}",
                                           "a class with the decorator @latency_sources.add")
    missing = [*sorted(getattr(found, "__abstractmethods__", ())),
               *(name for name in ("name", "decided_by") if not hasattr(found, name))]
    if missing or not issubclass(found, LatencySource):
        lacks = f"lacks {', '.join(missing)}" if missing else "is not a subclass of LatencySource"
        raise UserError(f"The latency source {found.__name__} of {path} {lacks}; docs/add-a-latency-source.md shows a "
                        "whole one.")
    return found
