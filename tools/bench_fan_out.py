"""Independent trainings and scorings on two processes, against one process of one and of two threads; cost of a task.

    python -m tools bench_fan_out

Every way does the same tasks once in every round, in another order each time; processes are started before. A ratio is
taken within a round; the median of the rounds is printed with the smallest and the largest. The cost of a task is what
a thousand tasks that wait for 10 ms take beyond their waiting, divided by their number.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.fan_out import called, fan_out
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.proxies.table import Scoring, score_architecture
from dcanas.search.finalists import short_training
from dcanas.spaces import load_space
from dcanas.training import DataSpec, Recipe, load_data
from tools.markdown import print_table

WAYS = {"one process, one thread": Engine(workers=1, threads=1),
        "one process, two threads": Engine(workers=1, threads=2),
        "two processes, one thread each": Engine(workers=2, threads=1)}
SKELETON = {"channels": 16, "cells": 2}


def main(*, rounds: int = 5, networks: int = 8, epochs: int = 2) -> None:
    """Print both tables.

    Args:
        rounds: of all ways
        networks: that are trained and scored
        epochs: of every training
    """
    with TemporaryDirectory() as folder:
        for name, work, items in (("trainings", called, trainings(networks, epochs)),
                                  ("scorings", called, scorings(4 * networks))):
            list(fan_out(WAYS["two processes, one thread each"], work, items, Path(folder), QUIET, name))
            seconds = np.array([timed(work, items, Path(folder), turn) for turn in range(rounds)])
            ratios = seconds[:, -1:] ** -1 * seconds
            print_table([f"{len(items)} {name}", "seconds, median", "times as long as on two processes"], [
                [way, f"{np.median(seconds[:, i]):.2f}",
                 f"{np.median(ratios[:, i]):.2f} ({ratios[:, i].min():.2f} to {ratios[:, i].max():.2f})"]
                for i, way in enumerate(WAYS)])
            print()
        items = {str(number): number for number in range(1000)}
        costs = []
        for _ in range(rounds):
            start = time.perf_counter()
            assert len(list(fan_out(Engine(workers=2), waits, items, Path(folder), QUIET, "waits"))) == len(items)
            costs.append(1000 * (time.perf_counter() - start) / len(items) - 10 / 2)
        print(f"Cost of a task on two processes: {np.median(costs):.2f} ms ({min(costs):.2f} to {max(costs):.2f}).")


def timed(work: Any, items: dict[str, Any], folder: Path, turn: int) -> list[float]:
    """Return the seconds of every way, which begin with another one in every turn."""
    ways = list(WAYS)
    seconds = {}
    for way in ways[turn % len(ways):] + ways[:turn % len(ways)]:
        start = time.perf_counter()
        list(fan_out(WAYS[way], work, items, folder, QUIET, "tasks"))
        seconds[way] = time.perf_counter() - start
    return [seconds[way] for way in ways]


def trainings(networks: int, epochs: int) -> dict[str, Any]:
    """Return short trainings of random members of NAS-Bench-201 on the digits."""
    space, dataset, recipe = load_space("nasbench201"), load_data(DataSpec("digits")), Recipe(batch_size=64)
    members = [space.sample(np.random.default_rng(seed)) for seed in range(networks)]
    return {str(i): partial(short_training, space, dataset, recipe, epochs, 0, arch, skeleton=SKELETON)
            for i, arch in enumerate(members)}


def scorings(networks: int) -> dict[str, Any]:
    """Return scorings of random members of NAS-Bench-201 on images of 32 x 32 pixels."""
    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    scoring = Scoring("nasbench201", ("synflow", "zen", "epe_nas"), rng.normal(size=(64, 3, 32, 32)).astype(np.float32),
                      np.arange(64) % 10, skeleton=SKELETON)
    return {str(i): partial(scored, scoring, space.sample(rng)) for i in range(networks)}


def scored(scoring: Scoring, arch: Any, hooks: Hooks, device: str) -> dict[str, Any]:
    """Return the scores of a network; `hooks` and `device` are those of a task."""
    row: dict[str, Any] = score_architecture(scoring, load_space(scoring.space), arch)["scores"]
    return row


def waits(item: int, hooks: Hooks, device: str) -> int:
    """Wait as long as a very short task takes."""
    time.sleep(0.01)
    return item
