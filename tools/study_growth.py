"""Does the time of one item, and memory, grow with the number of items? Scores, devices, images, proposals, workers.

    python -m tools study_growth figure=docs/figures/growth.svg

Every row is measured in a process of its own, of one thread, in processor time (that of the process and what it has
started), which hardly depends on what else the machine does. The smallest and the largest number do the same work per
item; what is set up once is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tools.markdown import print_table
from tools.memory import added_bytes, in_fresh_process

Measured = tuple[float, float]  # processor seconds of an item, bytes of an item beyond what was there before


def main(*, figure: str = "", rows: str = "") -> None:
    """Print the table.

    Args:
        figure: SVG file, or none
        rows: names of the rows to measure, separated by commas; empty: all
    """
    chosen = {name: row for name, row in ROWS.items() if not rows or name in rows.split(",")}
    found: dict[str, dict[int, Measured]] = {}

    def lines() -> Any:
        for name, (sizes, measure) in chosen.items():
            found[name] = {size: in_fresh_process(measure, size) for size in sizes}
            seconds = [found[name][size][0] for size in sizes]
            yield [name, " / ".join(f"{size:,}" for size in sizes), " / ".join(f"{1000 * s:.3g}" for s in seconds),
                   f"{seconds[-1] / seconds[0]:.2f}", f"{found[name][sizes[-1]][1]:,.0f}"]

    print_table(["item", "items", "ms of processor time per item", "largest / smallest", "bytes per item (largest)"],
                lines())
    if figure:
        _draw(found, Path(figure))


def scores(count: int) -> Measured:
    """Score different members of NAS-Bench-201 by synflow into a table."""
    from dcanas.proxies.table import Scoring, score_many
    from dcanas.spaces import load_space

    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    pixels = rng.normal(size=(16, 3, 8, 8)).astype(np.float32)
    scoring = Scoring("nasbench201", ("synflow",), pixels, np.arange(16) % 10, skeleton={"channels": 4, "cells": 1})
    members = list(dict.fromkeys(space.sample(rng) for _ in range(4 * count)))[:count]
    with TemporaryDirectory() as folder:
        score_many(scoring, members[:2], Path(folder) / "warm.jsonl")
        return _per_item(count, lambda: score_many(scoring, members, Path(folder) / "scores.jsonl"))


def stub_scores(count: int) -> Measured:
    """Do tasks through the engine in this process that take no time, as many as there would be candidates."""
    from dcanas.basics.fan_out.engine import Engine
    from dcanas.basics.fan_out.fan_out import fan_out
    from dcanas.basics.hooks import QUIET

    items = {str(number): number for number in range(count)}


    def go() -> None:
        list(fan_out(Engine(workers=1), _nothing, items, Path(), QUIET, "scores"))

    go()
    return _per_item(count, go)


def devices(count: int) -> Measured:
    """Keep the members of a listed space that are within the limits of as many devices, 20 times."""
    from dcanas.costs import Budget, LinearCost
    from dcanas.costs.members import member_choices
    from dcanas.search.pool import within
    from dcanas.spaces import load_space

    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    members = member_choices(space)
    costs = [LinearCost(0.0, tuple(tuple(rng.random(len(slot.options))) for slot in space.slots),
                        f"device{i}.latency_ms") for i in range(count)]
    budget = Budget({cost.name: 5.0 for cost in costs})
    return _per_item(count, lambda: [within(members, costs, budget) for _ in range(20)])


def images(count: int) -> Measured:
    """Read a folder of PNG files of 32 x 32 pixels in ten classes."""
    from PIL import Image

    from dcanas.training import DataSpec, load_data

    rng = np.random.default_rng(0)

    def read(root: Path, many: int) -> Callable[[], object]:
        for number in range(many):
            path = root / str(number % 10) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path, compress_level=0)
        return partial(load_data, DataSpec("folder", root=str(root), size=32), root.with_name("cache"))

    with TemporaryDirectory() as folder:
        read(Path(folder, "few"), 100)()
        return _per_item(count, read(Path(folder, "images"), count))


def proposals(observed: int) -> Measured:
    """Read a study's trials and propose by ProxyBO with one proxy, 20 times with one more trial, in NAS-Bench-201."""
    from optuna.trial import create_trial

    from dcanas.costs import Budget
    from dcanas.search.ask_tell.candidates import Candidates
    from dcanas.search.ask_tell.parameters import Parameters
    from dcanas.search.ask_tell.proxy_sources import known_values
    from dcanas.search.ask_tell.sampler_registry import samplers
    from dcanas.search.ask_tell.study_settings import SamplerSettings
    from dcanas.search.ask_tell.trials import POSITION, history_of, valid
    from dcanas.search.feasible import FeasibleMembers
    from dcanas.spaces import load_space

    space, rng = load_space("nasbench201"), np.random.default_rng(0)
    worth = rng.normal(size=(6, 5))
    archs = list(space.enumerate())
    values = {arch.choices: float(worth[np.arange(6), list(arch.choices)].sum()) for arch in archs}
    source = known_values("proxy", {choices: value + float(rng.normal()) for choices, value in values.items()})
    candidates = Candidates(FeasibleMembers(space, Budget(), []), SamplerSettings("proxybo", ("proxy",), 20_000),
                            [source], lambda arch: arch)
    sampler = samplers["proxybo"](candidates)
    parameters, finished, trials = Parameters(space), {}, []
    for position, row in enumerate(rng.permutation(len(archs))[:observed + 20]):
        trials.append(create_trial(params=parameters.params(archs[row]), distributions=parameters.distributions(),
                                   value=values[archs[row].choices], user_attrs={POSITION: position}))
        trials[-1].number = position

    def propose(count: int) -> None:
        history = history_of(valid(trials[:count], parameters), parameters, finished)
        sampler.propose(history, np.random.default_rng(count))

    propose(observed - 1)
    return _per_item(20, lambda: [propose(count) for count in range(observed, observed + 20)])


def workers(count: int) -> Measured:
    """Do 400 tasks of no work on processes of joblib that are there already; what is counted is this process."""
    from dcanas.basics.fan_out.engine import Engine
    from dcanas.basics.fan_out.fan_out import fan_out
    from dcanas.basics.hooks import QUIET

    items = {str(number): number for number in range(400)}
    with TemporaryDirectory() as folder:
        def go() -> None:
            list(fan_out(Engine(workers=count), _nothing, items, Path(folder), QUIET, "tasks"))

        go()
        return _per_item(400, go)


ROWS: dict[str, tuple[tuple[int, ...], Callable[[int], Measured]]] = {
    "candidates scored by synflow": ((10, 100, 1000), scores),
    "tasks that do nothing": ((100, 1000, 10_000), stub_scores),
    "devices whose limits are kept": ((1, 8, 29), devices),
    "images of a folder": ((2000, 10_000, 50_000), images),
    "trials before a proposal": ((100, 1000, 10_000), proposals),
    "a task on so many workers": ((2, 4, 8), workers),
}


def _nothing(item: int, hooks: Any, device: str) -> int:
    return item


def _per_item(count: int, work: Callable[[], object]) -> Measured:
    """Return processor seconds and bytes per item of work that was prepared."""
    seconds = 0.0

    def timed() -> None:
        nonlocal seconds
        start = time.process_time()
        work()
        seconds = time.process_time() - start

    grown = added_bytes(timed)
    return seconds / count, max(grown, 0) / count


def _draw(found: dict[str, dict[int, Measured]], path: Path) -> None:
    """Draw the time of an item against the number of items, each as a multiple of the smallest number's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    for name, measured in found.items():
        sizes = np.array(list(measured))
        axes.plot(sizes / sizes[0], [seconds / measured[sizes[0]][0] for seconds, _ in measured.values()], "o-",
                  label=f"{name}, from {sizes[0]:,}")
    axes.set(xscale="log", ylim=(0, None), xlabel="items, as a multiple of the fewest",
             ylabel="time of an item, as a multiple")
    axes.legend(fontsize=8)
    figure.savefig(path, bbox_inches="tight")
