"""What parts of a pretrained network reach under a limit on parameters, beside a search from random weights."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dcanas
from tools.markdown import print_table
from tools.pretrained_cells import Cells

WAYS: dict[str, dict[str, Any]] = {"parts of EfficientNet-Lite0": {}, "from random weights": {"pretrained": "none"}}


def print_params(cells: Cells, photos: Path, directory: Path, sets: Sequence[str], seeds: Sequence[int],
                 params: Sequence[int], threads: int) -> None:
    """Print the test accuracy of what `dcanas run` delivers under limits on parameters, from both kinds of weights."""
    def cell(name: str, limit: int, way: str, seed: int) -> dict[str, Any]:
        place = directory / "runs" / f"{name}-{limit}-{seed}-{'random' if WAYS[way] else 'parts'}"
        return cells.get(f"{name}, {limit} parameters, {way}, seed {seed}",
                         partial(delivered, photos / name, limit, WAYS[way], seed, threads, place))

    def rows() -> Iterator[list[str]]:
        for name in sets:
            for limit in params:
                for way in WAYS:
                    found = [cell(name, limit, way, seed) for seed in seeds]
                    first = found[0]
                    yield [name, f"{limit:,}", way, " ".join(f"{100 * each['accuracy']:.1f}" for each in found),
                           " to ".join(f"{100 * bound:.1f}" for bound in first["interval"]), f"{first['params']:,}",
                           " ".join(f"{each['seconds']:.0f}" for each in found),
                           first["architecture"].replace(" | ", " ")]  # bars would end the cells

    print_table(["set", "limit, parameters", "way", "test, %", "95 % interval", "parameters", "seconds",
                 "architecture"], rows())


def delivered(folder: Path, limit: int, weights: dict[str, Any], seed: int, threads: int,
              directory: Path) -> dict[str, Any]:
    """Return test accuracy, interval, parameters and architecture of what one run delivers, and its seconds."""
    start = time.monotonic()
    run = dcanas.run(str(folder), "local-cpu", {"params": limit}, seed=seed, directory=directory, progress=True,
                     settings={**weights, "baseline": False, "run.threads": threads, "run.workers": threads})
    content = run.searched.certificate.content
    return {"accuracy": content["accuracy"]["value"], "interval": content["accuracy"]["interval"],
            "architecture": content["architecture"], "seconds": time.monotonic() - start,
            "params": next(row["value"] for row in content["rows"] if row["cost"] == "params")}
