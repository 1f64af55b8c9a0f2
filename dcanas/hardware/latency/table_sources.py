"""Latencies and energies from published tables: for the tables' own networks, or transferred to others."""

from __future__ import annotations

from dcanas.costs import CostModel
from dcanas.hardware.latency.device_table import device_table, own_table, require_own
from dcanas.hardware.latency.fbnet_table import FILE, block_latency, transferred_blocks
from dcanas.hardware.latency.source import LatencySource
from dcanas.hardware.latency.transferred import transferred


class PublishedTable(LatencySource):
    """Looked up for every network that a published table lists."""

    name = "published table"
    decided_by = "looked up"

    def make_model(self) -> CostModel:
        return own_table(self.device, self.cost, self.networks)


class PublishedBlocks(LatencySource):
    """Sums of the published latencies of FBNet's blocks."""

    name = "FBNet's published blocks"
    decided_by = "looked up"

    def make_model(self) -> CostModel:
        published = block_latency(str(self.device.table))
        require_own(published, self.device, self.networks, f"HELP, {FILE}, array {self.device.table}")
        return published


class TransferredTable(LatencySource):
    """Prices of a published table for other networks of its space."""

    name = "transferred table"
    decided_by = "predicted"

    def make_model(self) -> CostModel:
        return transferred(device_table(self.device, self.cost), self.networks)


class TransferredBlocks(LatencySource):
    """Prices of FBNet's blocks for other images, classes or stems."""

    name = "transferred blocks"
    decided_by = "predicted"

    def make_model(self) -> CostModel:
        return transferred_blocks(block_latency(str(self.device.table)), self.networks)
