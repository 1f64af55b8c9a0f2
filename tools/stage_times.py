"""Seconds of every stage of whole runs, by kind, and the most memory of any of their processes.

    python -m tools stage_times directory=OUT [photos=DIR]

Kinds: `digits` (the command without words), and with a folder of photographs `photos` (from pretrained weights),
`slices` (their supernet) and `scratch` (without pretrained weights), each with the default budget. Every run is made
anew in a process of its own; a result is kept in OUT/cells.jsonl as soon as it is there.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dcanas
from dcanas.basics.errors import UserError
from dcanas.basics.hooks import Hooks
from tools.markdown import print_table
from tools.memory import in_fresh_process
from tools.pretrained_cells import Cells

KINDS: dict[str, dict[str, Any]] = {"digits": {}, "photos": {}, "slices": {"search": "slices"},
                                    "scratch": {"settings": {"pretrained": "none"}}}


def main(directory: Path, *, photos: str = "", kinds: Sequence[str] = ("digits",), seed: int = 0) -> None:
    """Print the table.

    Args:
        directory: for the runs and what was found
        photos: folder of photographs, for the kinds that need some
        kinds: of runs, side by side
        seed: of the runs
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or (not photos and set(kinds) != {"digits"}):
        raise UserError(f"kinds={unknown[0]} is none of {', '.join(KINDS)}." if unknown else
                        "Give photos=DIR, a folder of photographs, for these kinds.")
    directory.mkdir(parents=True, exist_ok=True)
    cells = Cells(directory / "cells.jsonl")
    found = {kind: cells.get(f"{kind}, {photos}, seed {seed}", partial(
        in_fresh_process, whole_run, "digits" if kind == "digits" else photos, KINDS[kind], seed,
        directory / f"{kind}-{seed}-{time.time_ns()}")) for kind in kinds}
    stages = dict.fromkeys(stage for kind in kinds for stage in found[kind]["stages"])
    rows = [[stage, *(f"{found[kind]['stages'].get(stage, 0.0):.1f}" for kind in kinds)] for stage in stages]
    print_table(["stage, s", *kinds], [
        *rows, ["all", *(f"{found[kind]['seconds']:.0f}" for kind in kinds)],
        ["most memory of a process, MB", *(f"{found[kind]['bytes'] / 1e6:.0f}" for kind in kinds)]])


class Watch(Hooks):
    """Adds up the seconds of stages by their title; a stage within another counts to the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = False

    @contextmanager
    def stage(self, title: str, stoppable: bool = False) -> Iterator[Hooks]:
        outer, self._within = not self._within, True
        start = time.perf_counter()
        try:
            yield self
        finally:
            if outer:
                self._within = False
                self.seconds[title] = self.seconds.get(title, 0.0) + time.perf_counter() - start


def whole_run(data: str, words: dict[str, Any], seed: int, directory: Path) -> dict[str, Any]:
    """Return seconds by stage and in all, and bytes, of a run in a new directory."""
    watch, start = Watch(), time.perf_counter()
    dcanas.run(data, seed=seed, directory=directory, progress=watch, **words)
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"stages": watch.seconds, "seconds": time.perf_counter() - start, "bytes": 1024 * most}
