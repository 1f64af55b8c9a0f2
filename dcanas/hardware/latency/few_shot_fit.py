"""A device's latency learnt from ten of its networks: measured on it or, if it cannot be reached, looked up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import CostModel
from dcanas.hardware.latency.device_table import own_table
from dcanas.hardware.latency.fitted import measurable
from dcanas.hardware.latency.predictor import MEASURE, LatencyPredictor
from dcanas.hardware.latency.reference_devices import reference_latencies
from dcanas.hardware.latency.source import LatencySource
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.hardware.transport.progress import report_to
from dcanas.spaces import Architecture


class FewShot(LatencySource):
    """The few-shot prediction from `MEASURE` members, chosen by optimal design and by chance and then measured.

    What is measured and predicted is the upper end of the 95 % interval of the median: limits are held against it.
    """

    name = "few-shot prediction"
    decided_by = "measured"

    def make_model(self) -> CostModel:
        with self.hooks.stage(f"Learning the latency of {self.networks.space.name} on {self.device.name}") as stage, \
                report_to(stage):
            learnt = self.predictor
        self.hooks.message(f"latency is predicted from {MEASURE} networks {self.decided_by}, starting from "
                           f"{learnt.basis}; networks like them differ by {100 * learnt.posterior.noise:.0f} % from "
                           "what is predicted")
        return learnt

    @cached_property
    def predictor(self) -> LatencyPredictor:  # type: ignore[override]
        networks = self.networks
        known = reference_latencies(networks, self.device.table)
        unmeasured = LatencyPredictor.of(networks.space, known, measurable(networks.space, self.seed),
                                         networks.input_shape, networks.num_classes, self.device.name,
                                         **networks.skeleton)
        return unmeasured.add(self.ask(unmeasured.choose(MEASURE, self.seed)))

    def prepare(self) -> None:
        _ = self.predictor

    def ask(self, members: Sequence[Architecture]) -> dict[Architecture, float]:
        profiles = measure_members(self.networks, members, self.folder(), self.device, seed=self.seed)
        return {arch: profile.upper(self.cost) for arch, profile in profiles.items()}

    def bound(self, arch: Architecture) -> float:
        return self.predictor.bound(arch)


class FewShotOfTable(FewShot):
    """The few-shot prediction from `MEASURE` members that are looked up in the device's own table."""

    name = "few-shot prediction of a table"
    decided_by = "looked up"

    def ask(self, members: Sequence[Architecture]) -> dict[Architecture, float]:
        table = own_table(self.device, self.cost, self.networks)
        if not all(table.available(arch) for arch in members):
            gaps = int((~np.isfinite(table.table)).sum())
            raise UserError(f"{table.provenance} has no {self.cost} for {gaps:,} codes, so it cannot be predicted from "
                            f"a few of them; state costs.{self.cost}: looked up in the device's profile.")
        return {arch: table.value(arch) for arch in members}


# Until the pipeline asks `choose_source`.
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from dcanas.costs import Networks  # noqa: E402

Ask = Callable[[Sequence[Architecture]], dict[Architecture, float]]


def learn_latency(space: Any, device: Any, ask: Ask, input_shape: Any, num_classes: int, seed: int = 0,
                  **skeleton: Any) -> LatencyPredictor:
    networks = Networks(space, input_shape, num_classes, skeleton)
    unmeasured = LatencyPredictor.of(space, reference_latencies(networks, device.table), measurable(space, seed),
                                     input_shape, num_classes, device.name, **skeleton)
    return unmeasured.add(ask(unmeasured.choose(MEASURE, seed)))


def ask_device(space: Any, device: Any, folder: Any, input_shape: Any, num_classes: int, seed: int = 0,
               **skeleton: Any) -> Ask:
    return FewShot(device, "latency_ms", Networks(space, input_shape, num_classes, skeleton), lambda: folder, seed).ask


def ask_table(cost: Any) -> Ask:
    return lambda members: {arch: cost.value(arch) for arch in members}
