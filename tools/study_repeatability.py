"""Are two independent latency profiles of the same ten networks alike, with busy processes beside them?

    python -m tools study_repeatability [busy=1]

Profiles ten random NAS-Bench-201 networks twice, independently, and prints how far they are apart and how many of the
differing ones were called noisy: a difference above 5 % without a warning is what must not happen.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from pathlib import Path

import numpy as np

from dcanas.costs import Networks
from dcanas.hardware import load_device, measure_members
from dcanas.spaces import load_space
from tools.markdown import print_table

NETWORKS = 10
TOLERANCE = 0.05


def main(*, busy: int = 1, seconds: float = 2.5, cap_s: float = 60.0, cells: int = 1, channels: int = 8) -> None:
    """Print both profiles and whether the promise is kept.

    Args:
        busy: processes that compute beside the measurement
        seconds: of counted runs per network
        cap_s: most seconds for one profile of all ten
        cells: per stage of the networks
    """
    space, device = load_space("nasbench201"), load_device("local-cpu")
    networks = Networks(space, (3, 32, 32), 10, {"channels": channels, "cells": cells})
    rng = np.random.default_rng(0)
    members = list(dict.fromkeys(space.sample(rng) for _ in range(2 * NETWORKS)))[:NETWORKS]
    others = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(busy)]
    with tempfile.TemporaryDirectory() as folder:
        for process in others:
            process.start()
        try:
            first, second = (measure_members(networks, members, Path(folder) / name, device, seconds, 0, cap_s)
                             for name in ("first", "second"))
        finally:
            for process in others:
                process.kill()
    differences = np.array([abs(first[a].median_ms / second[a].median_ms - 1) for a in members])
    warned = np.array([first[a].noisy or second[a].noisy for a in members])
    print_table(["network", "first, ms", "second, ms", "difference", ""], [
        [f"`{space.format(arch)}`", f"{first[arch].median_ms:.4f}", f"{second[arch].median_ms:.4f}",
         f"{100 * difference:.1f} %", "noisy" if noisy else ""]
        for arch, difference, noisy in zip(members, differences, warned, strict=True)])
    print(f"\nbusy processes: {busy}; median difference {100 * np.median(differences):.1f} %, largest "
          f"{100 * differences.max():.1f} %; called noisy: {warned.sum()} of {len(members)}; above 5 % without a "
          f"warning: {((differences > TOLERANCE) & ~warned).sum()}")
    kept = np.median(differences) <= TOLERANCE or warned.mean() > 0.5
    print("kept" if kept else "NOT kept", "(median within 5 %, or most are called noisy)")


def _compute() -> None:
    matrix = np.random.default_rng().normal(size=(200, 200))
    while True:
        matrix = np.tanh(matrix @ matrix.T)
