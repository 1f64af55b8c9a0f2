"""Few-shot prediction of latency from a few networks, measured on the device or looked up in its table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.costs import CostModel
from dcanas.hardware.latency.device_table import own_table
from dcanas.hardware.latency.fitted import measurable
from dcanas.hardware.latency.predictor import LatencyPredictor
from dcanas.hardware.latency.reference_devices import reference_latencies
from dcanas.hardware.latency.source import LatencySource
from dcanas.spaces import Architecture


class FewShot(LatencySource):
    """Learnt from seven to ten members that are measured on the device.

    Seven are enough where published tables of known devices say what prices look like.

    The upper end of the 95 % interval of the median is measured and predicted, as it is compared with limits.
    """

    name = "few-shot prediction"
    decided_by = "measured"

    def make_model(self) -> CostModel:
        with self.hooks.stage(f"Learning the latency of {self.networks.space.name} on {self.device.name}"):
            learnt = self.predictor
        self.hooks.message(f"latency is predicted from {learnt.wanted} networks {self.decided_by}, starting from "
                           f"{learnt.basis}; networks like them differ by {100 * learnt.posterior.noise:.0f} % from "
                           "what is predicted")
        return learnt

    @cached_property
    def predictor(self) -> LatencyPredictor:
        networks = self.networks
        known = reference_latencies(networks, self.device.table)
        unmeasured = LatencyPredictor.of(networks.space, known, measurable(networks.space, self.seed),
                                         networks.input_shape, networks.num_classes, self.device.name,
                                         **networks.skeleton)
        return unmeasured.add(self.ask(unmeasured.choose(unmeasured.wanted, self.seed)))

    def prepare(self) -> None:
        _ = self.predictor

    def bound(self, arch: Architecture) -> float:
        return self.predictor.bound(arch)


class FewShotOfTable(FewShot):
    """Learnt from seven to ten members that are looked up in the device's table."""

    name = "few-shot prediction of a table"
    decided_by = "looked up"

    def ask(self, members: Sequence[Architecture]) -> dict[Architecture, float]:
        table = own_table(self.device, self.cost, self.networks)
        if not all(table.available(arch) for arch in members):
            gaps = int((~np.isfinite(table.table)).sum())
            raise UserError(f"{table.provenance} has no {self.cost} for {gaps:,} codes, so it cannot be predicted from "
                            f"a few of them; state costs.{self.cost}: looked up in the device's profile.")
        return {arch: table.value(arch) for arch in members}
