"""Devices whose latencies are published: what few-shot prediction starts from where they speak of the same networks."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from dcanas.costs import Domain
from dcanas.hardware.latency.published_tables import CLASSES, HELP, SKELETON
from dcanas.hardware.latency.table_files import default_folder, read_arrays, require_milliseconds, tables_folder
from dcanas.spaces import Space

KNOWN = ("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", "samsung_a50", "pixel3",
         "essential_ph_1", "samsung_s7")  # the devices HELP learns from (Lee et al., NeurIPS 2021, section 4.1)


def known_latencies(space: Space, input_shape: tuple[int, int, int], num_classes: int, but: str | None = None,
                    **skeleton: Any) -> dict[str, np.ndarray]:
    """Return the members' latencies (ms, canonical order) on known devices, `but` the one asked about.

    Nothing where the tables speak of other networks (space, skeleton, input or classes) or are not imported. Raises
    `UserError` where they are there and cannot be used, or `DCANAS_TABLES` names no folder.
    Shape: per device (members,).
    """
    own = Domain.of(space, (3, 32, 32), CLASSES["cifar10"], **SKELETON) if space.name == "nasbench201" else None
    if own != Domain.of(space, input_shape, num_classes, **skeleton):
        return {}
    if not os.environ.get("DCANAS_TABLES") and not default_folder().is_dir():
        return {}
    path = tables_folder() / HELP
    if not path.is_file():
        return {}
    codes = list(space.enumerate())
    members = np.array([space.is_member(arch) for arch in codes])
    arrays = read_arrays(path, len(codes))
    found = {name: arrays[name][members].astype(float) for name in KNOWN if name in arrays and name != but}
    for name, values in found.items():
        require_milliseconds(path, name, values)
    return found
