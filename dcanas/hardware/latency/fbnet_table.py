"""Published latencies of FBNet as prices per layer and block, read off a list of whole networks.

HW-NAS-Bench (Li et al., ICLR 2021) sums a device's latency over stem, 22 blocks and head, for images and classes of
CIFAR-100; HELP (Lee et al., NeurIPS 2021) lists the sums of 5,000 networks. Least squares recovers the prices for the
four devices whose list is a sum. On the others whole networks were measured, and they have no prices.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.costs import Domain, LinearCost, Networks, linear_counts
from dcanas.hardware.latency.published_tables import RUNTIMES
from dcanas.hardware.latency.table_files import read_arrays, require_milliseconds, tables_folder
from dcanas.spaces import load_space

FILE = "fbnet_latency_devices.npz"
NETWORKS = 5_000
INPUT, CLASSES, SKELETON = (3, 32, 32), 100, {"stem": "cifar"}
SKIP = "skip"
TOLERANCE = 1e-6  # relative, of a sum of prices


def block_latency(table: str, folder: Path | str | None = None) -> LinearCost:
    """Return `latency_ms` of the published FBNet networks on the device that the list calls `table`.

    A block's price is what it adds in place of `skip`, in ms.

    Args:
        folder: of the tables; None: `DCANAS_TABLES`.

    Raises:
        UserError: the device is not in the list, its latencies are not a sum over blocks, or the file is damaged.
    """
    return _read(table, Path(folder) if folder else tables_folder(FILE))


@lru_cache(maxsize=8)
def _read(table: str, folder: Path) -> LinearCost:
    space = load_space("fbnet")
    path = folder / FILE
    arrays = read_arrays(path, NETWORKS)
    missing = [name for name in ("choices", "blocks") if name not in arrays]
    if missing:
        raise UserError(f"{path} lacks the array {' and '.join(missing)}; import the table again.")
    choices, blocks = arrays.pop("choices"), tuple(str(block) for block in arrays.pop("blocks"))
    if blocks != space.slots[0].options or choices.shape != (NETWORKS, len(space.slots)):
        raise UserError(f"{path} has other blocks or layers than FBNet here; import the table again.")
    if table not in arrays:
        raise unknown("device of the published FBNet latencies", table, arrays)
    values = arrays[table].astype(float)
    require_milliseconds(path, table, values)
    skip = blocks.index(SKIP)
    priced = [(slot, option) for slot in range(len(space.slots)) for option in range(len(blocks)) if option != skip]
    design = np.column_stack([np.ones(NETWORKS), *(choices[:, slot] == option for slot, option in priced)])
    prices = np.linalg.lstsq(design, values, rcond=None)[0]
    off = float(np.abs(design @ prices / values - 1).max())
    if off > TOLERANCE:
        raise UserError(f"The FBNet latencies of {table} in {path} are not a sum over blocks (up to {100 * off:.0f} % "
                        "off): whole networks were measured. Choose a device whose latencies are (raspi4, pixel3, "
                        "eyeriss, fpga-zc706), or one that can be reached.")
    rows = np.zeros((len(space.slots), len(blocks)))
    rows[tuple(np.array(priced).T)] = prices[1:]
    domain = replace(Domain.of(space, INPUT, CLASSES, **SKELETON), runtime=RUNTIMES.get(table, "any"))
    return LinearCost(float(prices[0]), tuple(map(tuple, rows)), "latency_ms", "ms", "looked up", domain,
                      TOLERANCE)


def transferred_blocks(blocks: LinearCost, networks: Networks) -> LinearCost:
    """Return the prices of `block_latency` for other images, classes or another stem.

    Each layer's prices go with its MACs, and so does the rest; at the published images and stem they are the published
    ones. How far off the others are has not been measured: limits on them are reported as unverified.
    """
    space = networks.space
    there, here = (linear_counts(space, shape, classes, **form)["macs"] for shape, classes, form in (
        (INPUT, CLASSES, SKELETON), (networks.input_shape, networks.num_classes, networks.skeleton)))
    least = tuple(int(np.argmin(row)) for row in there.table)  # one block against the dearest: a layer's own scale
    scales = [(max(new) - new[low]) / (max(old) - old[low])
              for new, old, low in zip(here.table, there.table, least, strict=True)]
    rest = [count.base + sum(row[space.slots[0].options.index(SKIP)] for row in count.table) for count in (here, there)]
    table = tuple(tuple(scale * price for price in row) for scale, row in zip(scales, blocks.table, strict=True))
    domain = networks.domain("any" if blocks.domain is None else blocks.domain.runtime)
    return LinearCost(blocks.base * rest[0] / rest[1], table, blocks.name, blocks.unit, "predicted", domain)
