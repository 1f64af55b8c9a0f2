"""Reference devices: published latencies from which few-shot prediction makes its prior."""

from __future__ import annotations

import os

import numpy as np

from dcanas.costs import Domain, Networks
from dcanas.hardware.latency.published_tables import CLASSES, HELP, SKELETON
from dcanas.hardware.latency.table_files import default_folder, read_arrays, require_milliseconds, tables_folder

REFERENCE = ("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", "samsung_a50", "pixel3",
             "essential_ph_1", "samsung_s7")  # the devices HELP learns from (Lee et al., NeurIPS 2021, section 4.1)


def reference_latencies(networks: Networks, but: str | None = None) -> dict[str, np.ndarray]:
    """Return the members' latencies on reference devices, in ms and canonical order.

    Args:
        networks: of the run; the result is empty if the tables list other networks, or are not imported.
        but: name of the device to predict, which is left out.

    Returns:
        Per device an array. Shape: (members,).

    Raises:
        UserError: the tables exist and cannot be used, or `DCANAS_TABLES` is not a folder.
    """
    space = networks.space
    own = Domain.of(space, (3, 32, 32), CLASSES["cifar10"], **SKELETON) if space.name == "nasbench201" else None
    if own != networks.domain():
        return {}
    if not os.environ.get("DCANAS_TABLES") and not default_folder().is_dir():
        return {}
    path = tables_folder() / HELP
    if not path.is_file():
        return {}
    codes = list(space.enumerate())
    members = np.array([space.is_member(arch) for arch in codes])
    arrays = read_arrays(path, len(codes))
    found = {name: arrays[name][members].astype(float) for name in REFERENCE if name in arrays and name != but}
    for name, values in found.items():
        require_milliseconds(path, name, values)
    return found
