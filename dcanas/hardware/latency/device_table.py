"""The published table of a device, and the networks that it lists."""

from __future__ import annotations

from dcanas.basics.errors import UserError, unknown
from dcanas.costs import CostModel, Networks
from dcanas.hardware.devices.device import Device
from dcanas.hardware.devices.profiles import user_folder
from dcanas.hardware.latency.how_made import how_made
from dcanas.hardware.latency.published_tables import CLASSES, HELP, TableCost, load_tables
from dcanas.hardware.latency.table_files import tables_folder
from dcanas.spaces import Space


class OutsideTableError(UserError):
    """A table was made for other networks than those requested."""


def published_latency(space: Space, device: Device) -> TableCost | None:
    """Return the published latency of the benchmark's own networks on a device, or None if there is no table."""
    if device.costs.get("latency_ms") not in ("looked up", "predicted") or device.table is None:
        return None
    table = device_table(device, "latency_ms")
    return table if table.domain is not None and table.domain.space == space.name else None


def device_table(device: Device, cost: str, data: str = "cifar10") -> TableCost:
    """Return the table of a device's cost.

    Args:
        cost: such as "latency_ms".
        data: "cifar10" or "cifar100".

    Raises:
        UserError: there is no such table; the message suggests the nearest name.
    """
    tables = load_tables(data)
    key = f"{device.table}.{cost}"
    if key not in tables:
        if data == "cifar10" and not (tables_folder() / HELP).is_file():
            raise UserError(f"There is no table {tables_folder() / HELP}, in which {key} would be"
                            f"{how_made(HELP, tables_folder())}.")
        raise unknown(f"published table (for the profile of {device.name}, {data})", key, tables)
    return tables[key]


def own_table(device: Device, cost: str, networks: Networks) -> TableCost:
    """Return the table of all codes in which a device's cost is looked up.

    Args:
        cost: such as "latency_ms".
        networks: those of the run.

    Raises:
        OutsideTableError: the table was made for other networks or another runtime; the message says what differs.
    """
    data = next((data for data, classes in CLASSES.items() if classes == networks.num_classes), "cifar10")
    table = device_table(device, cost, data)
    require_own(table, device, networks, table.provenance)
    return table


def covering_table(device: Device, cost: str, networks: Networks) -> TableCost | None:
    """Return the table that `own_table` returns, or None if it was made for other networks."""
    try:
        return own_table(device, cost, networks)
    except OutsideTableError:
        return None


def require_own(published: CostModel, device: Device, networks: Networks, provenance: str) -> None:
    """Raise `OutsideTableError` if a published cost was made for other networks or another runtime.

    Args:
        published: has a domain.
        networks: those of the run.
        provenance: file and column of the cost, for the message.
    """
    assert published.domain is not None
    asked = networks.domain(device.runtime.name)
    try:
        published.domain.require(asked, f"{published.name} of {device.name} ({provenance})")
    except UserError as error:
        raise OutsideTableError(
            f"{str(error).partition(':')[0]}; ask for those networks, or copy the profile to "
            f"{user_folder() / device.name}.yaml with costs.{published.name}: predicted, which is then reported as "
            "unverified.") from error
