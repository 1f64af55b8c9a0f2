"""Runs samplers and static rules on published tables, with a simulated clock; thousands of searches on a laptop.

    python -m tools study_sampling out=sampling.jsonl tasks=cifar10 first_seed=100 workers=2
    python -m tools report_sampling sampling.jsonl figure=docs/figures/sampling.svg

Tasks: see `tools/sampling_tasks.py`. Proxies are NAS-Bench-Suite-Zero's; only networks that have them take part. All
searches of one seed begin with the same ten random networks. Static rules ("sorted PROXY"): those ten, then sorted by
one proxy. Clock: training time is taken proportional to MACs; its unit is the training of the task's mean network. A
study that was stopped goes on.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np

from dcanas.basics.errors import unknown
from dcanas.basics.keys import derive_seed
from dcanas.benchmarks.json_lines import append_row, read_rows
from dcanas.benchmarks.judged_data import PROXIES
from dcanas.benchmarks.simulate import simulate
from dcanas.search.ask_tell.study_settings import SamplerSettings
from tools.sampling_tasks import THREE, load_task

FIRST, LAST = 10, 100
METHODS: dict[str, tuple[str, tuple[str, ...]]] = {  # name -> sampler, proxies
    **{sampler: (sampler, ()) for sampler in ("random", "evolution", "local", "bo")},
    "proxybo": ("proxybo", THREE), "proxybo13": ("proxybo", tuple(sorted(PROXIES))),
    "noise": ("proxybo", ("noise", "noise:2", "noise:3")), "synflow only": ("proxybo", ("synflow",)),
    "4 workers": ("proxybo", THREE), "perfect": ("proxybo", ("perfect",)), "wrong": ("proxybo", ("wrong",)),
    "sizes": ("proxybo", ("params", "macs")), **{f"sorted {proxy}": ("", (proxy,)) for proxy in (*PROXIES, "macs")},
}


def static(name: str, proxy: str, seed: int) -> dict:
    """Return what becomes of ten random networks, then all in the order of one proxy."""
    task = load_task(name)
    first = simulate(task.candidates(SamplerSettings("random", (), FIRST), seed),
                     lambda arch: task.value[arch.choices], seed)
    begun = [arch.choices for arch in first.architectures]
    rows = [row for row in task.rows if row not in begun]
    scores = np.nan_to_num(np.array([task.proxies[proxy][row] for row in rows]), nan=-np.inf)
    ties = np.random.default_rng(derive_seed(seed, "ties")).random(len(rows))
    asked = [*begun, *(rows[i] for i in np.lexsort((ties, -scores))[:LAST - FIRST])]
    return task.row(asked, np.cumsum([task.duration[choices] for choices in asked]))


def search(name: str, method: str, seed: int) -> dict:
    """Return what becomes of a search by a sampler, with the influence of each proxy over time."""
    task, settings = load_task(name), SamplerSettings(*METHODS[method], LAST)
    trace = simulate(task.candidates(settings, seed), lambda arch: task.value[arch.choices], seed,
                     lambda arch: task.duration[arch.choices], workers=4 if method == "4 workers" else 1)
    row = task.row([arch.choices for arch in trace.architectures], trace.seconds)
    opinions = [why["opinions"] for why in trace.why if "opinions" in why]
    if opinions:
        row["influence"] = {source: [round(o[source]["influence"], 4) for o in opinions] for source in opinions[0]}
    return row


def job(name: str, method: str, seed: int) -> dict:
    """Return the row of one search."""
    sampler, proxies = METHODS[method]
    found = search(name, method, seed) if sampler else static(name, proxies[0], seed)
    return {"task": name, "method": method, "seed": seed, **found}


def fitting(name: str) -> list[str]:
    """Return the methods that fit a task."""
    if name == "macro":
        return ["sorted params", "sorted macs", "random", "evolution", "local", "bo", "sizes"]
    sorts = [f"sorted {proxy}" for proxy in PROXIES]
    if name == "cifar10":
        return [*sorts, *(method for method, (sampler, _) in METHODS.items() if sampler and method != "sizes")]
    return [*sorts, "random", "evolution", "local", "bo", "proxybo"]


def main(*, out: Path, methods: tuple[str, ...] = (), seeds: int = 20, first_seed: int = 0, workers: int = 1,
         tasks: tuple[Literal["cifar10", "cifar100", "macro", "permuted", "limited", "both"], ...] = ("cifar10",),
         ) -> None:
    """Append the rows of all searches that are not in the file yet.

    Args:
        methods: default: all that fit the task
        workers: processes
    """
    for method in methods:
        if method not in METHODS:
            raise unknown("method", method, METHODS)
    done = {(row["task"], row["method"], row["seed"]) for row in read_rows(out)}
    wanted = [(name, method, seed) for name in tasks for seed in range(first_seed, first_seed + seeds)
              for method in methods or fitting(name)]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for future in as_completed([pool.submit(job, *each) for each in wanted if each not in done]):
            append_row(out, future.result())
