"""Predictions for networks that a published table does not list, from prices fitted to the table."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from dcanas.basics.errors import UserError
from dcanas.costs import LinearCost, Networks, linear_counts
from dcanas.costs.members import member_choices
from dcanas.hardware.latency.published_tables import TableCost

FREE = ("none", "skip_connect")  # executed as nothing


def transferred(table: TableCost, networks: Networks) -> LinearCost:
    """Return a table's cost for other networks of its space: a base, a price per MAC and one per executed operation.

    The prices are fitted to the table by non-negative least squares on relative errors. The upper bound is the 95th
    percentile of the fit's own residuals, which other skeletons need not keep: limits on it are reported as unverified.

    Raises:
        UserError: the networks are of another space.
    """
    published = table.domain
    assert published is not None
    space = networks.space
    if space.name != published.space:
        raise UserError(f"{table.name} ({table.provenance}) lists {published.space} and cannot be predicted for "
                        f"{space.name}; choose that space or a device with another source.")
    skeleton = dict(published.skeleton)
    there = linear_counts(space, published.input_shape, published.num_classes, **skeleton)["macs"]
    here = linear_counts(space, networks.input_shape, networks.num_classes, **networks.skeleton)["macs"]
    choices = member_choices(space)
    values = table.values(choices)
    kept = np.isfinite(values)
    free = [np.array([option in FREE for option in slot.options]) for slot in space.slots]
    executed = np.array([~row[choices[kept, i]] for i, row in enumerate(free)]).sum(axis=0) * skeleton["cells"]
    design = np.column_stack([np.ones(kept.sum()), there.values(choices[kept]) / 1e6, executed])
    base, per_million_macs, per_operation = nnls(design / values[kept, None], np.ones(kept.sum()))[0]
    error = float(np.quantile(values[kept] / (design @ [base, per_million_macs, per_operation]) - 1, 0.95))
    per_slot = per_operation * space.complete_skeleton(dict(networks.skeleton))["cells"]
    prices = tuple(tuple(per_million_macs * macs / 1e6 + per_slot * (option not in FREE)
                         for macs, option in zip(row, slot.options, strict=True))
                   for row, slot in zip(here.table, space.slots, strict=True))
    return LinearCost(float(base + per_million_macs * here.base / 1e6), prices, table.name, table.unit, "predicted",
                      networks.domain(published.runtime), max(error, 0.0))
