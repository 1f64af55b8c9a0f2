"""A device's looked-up and predicted costs, for the networks a run asks about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import nnls

from dcanas.basics.errors import UserError, unknown
from dcanas.costs import CostModel, Domain, LinearCost, linear_counts
from dcanas.costs.members import member_choices
from dcanas.hardware.devices.device import Device, user_folder
from dcanas.hardware.latency.fbnet_table import FILE, block_latency, transferred_blocks
from dcanas.hardware.latency.published_tables import CLASSES, TableCost, load_tables
from dcanas.spaces import Space

FBNET = "fbnet"  # has latencies of blocks, where the benchmark has those of networks


def table_costs(space: Space, device: Device, names: Sequence[str], input_shape: tuple[int, int, int],
                num_classes: int, **skeleton: Any) -> list[CostModel]:
    """Return the costs in `names` that the device's profile takes from the published tables.

    "looked up" answers for the table's own networks only: raises `UserError` naming what differs. "predicted"
    transfers the table's prices to other skeletons, inputs and classes of the same space. The latency of a device that
    can be reached, and that of the table's own networks, is left out: it is learnt (`learning.py`).
    """
    found: list[CostModel] = []
    for name in names:
        source = device.costs.get(name)
        if source == "looked up":
            found.append(_looked_up(space, device, name, input_shape, num_classes, skeleton))
        elif source == "predicted" and device.connection is None and not (
                name == "latency_ms" and covering_table(space, device, name, input_shape, num_classes, **skeleton)):
            found.append(_transferred(space, device, name, input_shape, num_classes, skeleton))
    return found


def published_latency(space: Space, device: Device) -> TableCost | None:
    """Return the published latency of the benchmark's own networks on a device, or None where there is no table."""
    if device.costs.get("latency_ms") not in ("looked up", "predicted") or device.table is None:
        return None
    table = _table(device, "latency_ms")
    return table if table.domain is not None and table.domain.space == space.name else None


def covering_table(space: Space, device: Device, name: str, input_shape: tuple[int, int, int], num_classes: int,
                   **skeleton: Any) -> TableCost | None:
    """Return the table of all codes of a device where these networks are its own, else None."""
    try:
        found = _looked_up(space, device, name, input_shape, num_classes, skeleton)
    except OutsideTableError:
        return None
    return found if isinstance(found, TableCost) else None


class OutsideTableError(UserError):
    """A table is asked about networks that it was not made for."""


def _looked_up(space: Space, device: Device, name: str, input_shape: tuple[int, int, int], num_classes: int,
               skeleton: dict[str, Any]) -> TableCost | LinearCost:
    data = next((data for data, classes in CLASSES.items() if classes == num_classes), "cifar10")
    cost, origin = _published(space, device, name, data)
    assert cost.domain is not None
    try:
        cost.domain.require(Domain.of(space, input_shape, num_classes, device.runtime.name, **skeleton),
                            f"{name} of {device.name} ({origin})")
    except UserError as error:
        raise OutsideTableError(f"{str(error).partition(':')[0]}; ask for those networks, or copy the profile to "
                        f"{user_folder() / device.name}.yaml with costs.{name}: predicted, which is then reported as "
                        "unverified.") from error
    return cost


def _published(space: Space, device: Device, name: str, data: str) -> tuple[TableCost | LinearCost, str]:
    """Return the published cost that speaks of a space, or else of the benchmark, and where it comes from."""
    if space.name == FBNET and name == "latency_ms" and device.table is not None:
        return block_latency(device.table), f"HELP, {FILE}, array {device.table}"
    table = _table(device, name, data)
    return table, table.provenance


def _transferred(space: Space, device: Device, name: str, input_shape: tuple[int, int, int], num_classes: int,
                 skeleton: dict[str, Any]) -> LinearCost:
    cost, _ = _published(space, device, name, "cifar10")
    if isinstance(cost, LinearCost):
        return transferred_blocks(space, cost, input_shape, num_classes, **skeleton)
    return transferred(space, cost, input_shape, num_classes, **skeleton)


def _table(device: Device, name: str, data: str = "cifar10") -> TableCost:
    tables = load_tables(data)
    key = f"{device.table}.{name}"
    if key not in tables:
        raise unknown(f"published table (for the profile of {device.name}, {data})", key, tables)
    return tables[key]


def transferred(space: Space, cost: TableCost, input_shape: tuple[int, int, int], num_classes: int,
                **skeleton: Any) -> LinearCost:
    """Return the table's cost for other networks of the space: a base, a price per MAC and one per operation executed.

    Fitted to the table by non-negative least squares on relative errors; the upper bound is the 95th percentile of
    its own residuals, which other skeletons need not keep: such limits are reported as unverified.
    """
    assert cost.domain is not None
    own = dict(cost.domain.skeleton)
    if space.name != cost.domain.space:
        raise UserError(f"{cost.name} ({cost.provenance}) speaks of {cost.domain.space} and cannot be predicted for "
                        f"{space.name}; choose that space or a device with another source.")
    there, here = linear_counts(space, cost.domain.input_shape, cost.domain.num_classes, **own)["macs"], \
        linear_counts(space, input_shape, num_classes, **skeleton)["macs"]
    cells = {"there": own["cells"], "here": space.complete_skeleton(skeleton)["cells"]}
    choices = member_choices(space)
    values = cost.values(choices)
    kept = np.isfinite(values)
    used = _executed(space, choices[kept])
    design = np.column_stack([np.ones(kept.sum()), there.values(choices[kept]) / 1e6, used * cells["there"]])
    weights = nnls(design / values[kept, None], np.ones(kept.sum()))[0]
    residual = float(np.quantile(values[kept] / (design @ weights) - 1, 0.95))
    per_operation = weights[2] * cells["here"]
    table = tuple(tuple(weights[1] * macs / 1e6 + per_operation * (option not in FREE)
                        for macs, option in zip(row, slot.options, strict=True))
                  for row, slot in zip(here.table, space.slots, strict=True))
    domain = Domain.of(space, input_shape, num_classes, **skeleton)
    return LinearCost(float(weights[0] + weights[1] * here.base / 1e6), table, cost.name, cost.unit, "predicted",
                      replace(domain, runtime=cost.domain.runtime), max(residual, 0.0))


FREE = ("none", "skip_connect")  # executed as nothing


def _executed(space: Space, choices: np.ndarray) -> np.ndarray:
    free = [np.array([option in FREE for option in slot.options]) for slot in space.slots]
    return np.array([~row[choices[:, i]] for i, row in enumerate(free)]).sum(axis=0)
