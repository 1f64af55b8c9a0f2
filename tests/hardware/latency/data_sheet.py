"""The latency of a board that is not here, by its vendor's rule: 0.3 ms, and half a millisecond per million MACs."""

from dcanas.costs import LinearCost, linear_counts
from dcanas.hardware import LatencySource, latency_sources


@latency_sources.add
class DataSheet(LatencySource):
    """The vendor's rule, which says that it is within 10 %."""

    name = "data sheet"
    decided_by = "predicted"  # nothing verifies it: the certificate says "unverified"

    def make_model(self):
        networks = self.networks
        macs = linear_counts(networks.space, networks.input_shape, networks.num_classes, **networks.skeleton)["macs"]
        table = [[0.5 * count / 1e6 for count in row] for row in macs.table]
        return LinearCost(0.3 + 0.5 * macs.base / 1e6, table, self.cost, "ms", "predicted", networks.domain(),
                          relative_error=0.1)
