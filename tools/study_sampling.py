"""Compares samplers and static rules on published tables, with a simulated clock; thousands of searches on a laptop.

    python tools/study_sampling.py run --out sampling.jsonl --tasks cifar10 --first-seed 100 --workers 2
    python tools/study_sampling.py report --out sampling.jsonl --figure docs/figures/sampling.svg

Tasks: cifar10 (NAS-Bench-201, accuracy of the 200-epoch validation training), cifar100 (its published test accuracy,
the only one in the tables, under CIFAR-10's proxies), macro (NAS-Bench-Macro, mean of three trainings), permuted
(cifar10 with snip, synflow and jacov shuffled among the networks), limited (cifar10 within edgegpu's 25th percentile of
latency) and both (half of the largest parameter count besides; each limit excludes the best under the other). Proxies
are NAS-Bench-Suite-Zero's; only networks that have them take part. All searches of one seed begin with the same ten
random networks. Static rules: those ten, then sorted by one proxy. Clock: training time is taken proportional to MACs;
its unit is the training of the task's mean network. `run` continues where it was stopped; tables are read from the
folder DCANAS_TABLES names.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from macro_space import macro

from dcanas.basics.keys import derive_seed
from dcanas.benchmarks.simulate import simulate
from dcanas.costs import Budget, CostModel, count_costs
from dcanas.hardware import load_tables
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.proxy_sources import Column, ProxySource, select_sources
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, Space, load_space

THREE = ("snip", "synflow", "jacov")
THIRTEEN = ("epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain", "snip",
            "synflow", "zen")
NOISE = ("noise", "noise:2", "noise:3")
FIRST, LAST = 10, 100
METHODS: dict[str, tuple[str, tuple[str, ...], dict]] = {  # name -> sampler, proxies, settings
    "random": ("random", (), {}), "evolution": ("evolution", (), {}), "local": ("local", (), {}),
    "bo": ("bo", (), {}), "proxybo": ("proxybo", THREE, {}), "proxybo13": ("proxybo", THIRTEEN, {}),
    "noise": ("proxybo", NOISE, {}), "synflow only": ("proxybo", ("synflow",), {}),
    "4 workers": ("proxybo", THREE, {"workers": 4}), "perfect": ("proxybo", ("perfect",), {}),
    "wrong": ("proxybo", ("wrong",), {}), "sizes": ("proxybo", ("params", "macs"), {}),
}


def table(name: str) -> list[dict[str, str]]:
    with gzip.open(Path(os.environ["DCANAS_TABLES"]) / name, "rt") as file:
        return list(csv.DictReader(file))


class Task:
    """A table as a search: what may be asked, what it is worth, what proxies say and how long it takes."""

    def __init__(self, space: Space, value: dict[tuple[int, ...], float], proxies: dict[str, dict],
                 macs: dict[tuple[int, ...], float], costs: Sequence[CostModel] = (), budget: Budget | None = None):
        self.space, self.value, self.proxies = space, value, proxies
        mean = float(np.mean(list(macs.values())))
        self.duration = {choices: each / mean for choices, each in macs.items()}
        self.members = FeasibleMembers(space, budget or Budget(), costs)
        rows = [tuple(row) for row in self.members.listed().tolist()]
        self.optimum = max(value[row] for row in rows)
        self.rows = rows
        shuffled = [-value[row] for row in value]
        self.proxies |= {"perfect": value, "wrong": dict(zip(value, shuffled, strict=True))}

    def sources(self, names: Sequence[str], seed: int) -> list[ProxySource]:
        return select_sources(names, {name: Column(name, known) for name, known in self.proxies.items()}, seed)

    def candidates(self, settings: SamplerSettings, seed: int) -> Candidates:
        return Candidates(self.members, settings, self.sources(settings.proxies, seed), lambda arch: arch)


@cache
def task(name: str) -> Task:
    return _macro() if name == "macro" else _nasbench201(name)


def _nasbench201(name: str) -> Task:
    space = load_space("nasbench201")
    column = "cifar100_test" if name == "cifar100" else "cifar10_val"
    accuracy = {row["architecture"]: float(row[column]) for row in table("nasbench201_accuracy.csv.gz")}
    rows = table("nasbench201_proxies_cifar10.csv.gz")
    codes = [space.parse(row["architecture"]).choices for row in rows]
    value = {choices: accuracy[row["architecture"]] for choices, row in zip(codes, rows, strict=True)}
    proxies = {n: {choices: float(row[n]) if float(row[n]) > -1e8 else np.nan
                   for choices, row in zip(codes, rows, strict=True)} for n in THIRTEEN}
    if name == "permuted":
        order = np.random.default_rng(0).permutation(len(codes))
        for n in THREE:
            scores = list(proxies[n].values())
            proxies[n] = dict(zip(codes, [scores[i] for i in order], strict=True))
    macs = next(cost for cost in count_costs(space) if cost.name == "macs")
    durations = {choices: macs.value(Architecture(space.name, choices)) for choices in codes}
    if name not in ("limited", "both"):
        return Task(space, value, proxies, durations)
    latency = load_tables()["edgegpu.latency_ms"]
    within = [latency.value(Architecture(space.name, choices)) for choices in codes]
    limit = float(np.percentile([v for v in within if np.isfinite(v)], 25))
    if name == "limited":
        return Task(space, value, proxies, durations, [latency], Budget(latency_ms=limit))
    sizes = next(cost for cost in count_costs(space) if cost.name == "params")
    half = max(sizes.value(Architecture(space.name, choices)) for choices in codes) / 2
    return Task(space, value, proxies, durations, [latency, sizes], Budget(latency_ms=limit, params=half))


def _macro() -> Task:
    space = macro()
    rows = table("nas_bench_macro_cifar10.csv.gz")
    codes = [tuple(int(digit) for digit in row["architecture"]) for row in rows]
    value = {choices: float(row["mean_acc"]) for choices, row in zip(codes, rows, strict=True)}
    sizes = {name: {choices: float(row[column]) for choices, row in zip(codes, rows, strict=True)}
             for name, column in (("params", "params"), ("macs", "flops"))}
    return Task(space, value, sizes, sizes["macs"])


def static(name: str, proxy: str, seed: int) -> dict:
    """Return the trace of ten random networks, then all in the order of one proxy."""
    one = task(name)
    first = simulate(one.candidates(SamplerSettings("random", (), FIRST), seed),
                     lambda arch: one.value[arch.choices], seed)
    begun = {arch.choices for arch in first.architectures}
    rows = [row for row in one.rows if row not in begun]
    scores = np.nan_to_num(np.array([one.proxies[proxy][row] for row in rows]), nan=-np.inf)
    ties = np.random.default_rng(derive_seed(seed, "ties")).random(len(rows))
    order = np.lexsort((ties, -scores))[:LAST - FIRST]
    asked = [*[arch.choices for arch in first.architectures], *[rows[i] for i in order]]
    return _row(one, asked, np.cumsum([one.duration[choices] for choices in asked]))


def search(name: str, method: str, seed: int) -> dict:
    one = task(name)
    sampler, proxies, more = METHODS[method]
    more = dict(more)
    workers = more.pop("workers", 1)
    settings = SamplerSettings(sampler, proxies, LAST, **more)
    trace = simulate(one.candidates(settings, seed), lambda arch: one.value[arch.choices], seed,
                     lambda arch: one.duration[arch.choices], workers)
    row = _row(one, [arch.choices for arch in trace.architectures], trace.seconds)
    opinions = [why["opinions"] for why in trace.why if "opinions" in why]
    if opinions:
        row["influence"] = {source: [round(o[source]["influence"], 4) for o in opinions] for source in opinions[0]}
    return row


def _row(one: Task, asked: Sequence[tuple[int, ...]], seconds: Sequence[float]) -> dict:
    return {"values": [one.value[choices] for choices in asked], "optimum": one.optimum,
            "seconds": [round(float(each), 4) for each in seconds],
            "feasible": sum(one.members.allows(Architecture(one.space.name, choices)) for choices in asked)}


def job(name: str, method: str, seed: int) -> dict:
    kind, _, proxy = method.partition(" ")
    found = static(name, proxy, seed) if kind == "sorted" else search(name, method, seed)
    return {"task": name, "method": method, "seed": seed, **found}


def run(options: argparse.Namespace) -> None:
    done = {(row["task"], row["method"], row["seed"]) for row in read(options.out)}
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    wanted = [(name, method, seed) for name in options.tasks for seed in seeds
              for method in options.methods or default_methods(name)]
    left = [each for each in wanted if each not in done]
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool, options.out.open("a") as file:
        for future in as_completed([pool.submit(job, *each) for each in left]):
            file.write(json.dumps(future.result()) + "\n")
            file.flush()


def default_methods(name: str) -> list[str]:
    proxies = ("params", "macs") if name == "macro" else THIRTEEN
    sorts = [f"sorted {proxy}" for proxy in proxies]
    if name == "cifar10":
        return [*sorts, *(m for m in METHODS if m != "sizes")]
    own = "sizes" if name == "macro" else "proxybo"
    return [*sorts, "random", "evolution", "local", "bo", own]


def read(path: Path) -> list[dict]:
    """Return the rows of a file; a last line that was cut off goes."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[:content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    return [json.loads(line) for line in whole.splitlines()]


def report(options: argparse.Namespace) -> None:
    rows = read(options.out)
    for name in dict.fromkeys(row["task"] for row in rows):
        by_method: dict[str, dict[int, dict]] = {}
        for row in rows:
            if row["task"] == name:
                by_method.setdefault(row["method"], {})[row["seed"]] = row
        _report_task(name, by_method)
        if options.figure and name == options.task:
            figure(options.figure, name, by_method)


def _best(found: dict[int, dict]) -> np.ndarray:
    """Return the best so far. Shape: (seeds, evaluations)."""
    return np.array([np.maximum.accumulate(found[seed]["values"]) for seed in sorted(found)])


def _report_task(name: str, by_method: dict[str, dict[int, dict]]) -> None:
    optimum = next(iter(next(iter(by_method.values())).values()))["optimum"]
    goal = float(_best(by_method["evolution"])[:, -1].mean()) if "evolution" in by_method else None
    print(f"\n{name}: optimum {optimum:.2f}; goal: regularised evolution's mean after {LAST}, "
          f"{'not run' if goal is None else f'{goal:.2f}'}\n\n| method | seeds | best@20 | @30 | @50 | @100 (standard "
          "error) | mean regret, 10 to 100 | evaluations to the goal | simulated time to it | - bo @20 (se) | - bo "
          "@100 (se) | feasible |\n|---|---|---|---|---|---|---|---|---|---|---|---|")
    for method, found in by_method.items():
        best = _best(found)
        error = best[:, -1].std(ddof=1) / np.sqrt(len(best)) if len(best) > 1 else np.nan
        mean, clock = best.mean(0), np.array([found[seed]["seconds"] for seed in sorted(found)]).mean(0)
        reached = np.flatnonzero(mean >= goal - 1e-9) if goal is not None else []
        when = (f"{reached[0] + 1} | {clock[reached[0]]:.0f}" if len(reached) else "never | -")
        share = sum(row["feasible"] for row in found.values()) / (LAST * len(found))
        print(f"| {method} | {len(best)} | {mean[19]:.2f} | {mean[29]:.2f} | {mean[49]:.2f} | {mean[-1]:.2f} "
              f"({error:.2f}) | {optimum - mean[FIRST - 1:].mean():.3f} | {when} | {_paired(by_method, method, 19)} | "
              f"{_paired(by_method, method, 99)} | {100 * share:.0f} % |")
    for method, found in by_method.items():
        if all("influence" in row for row in found.values()):
            names = next(iter(found.values()))["influence"]
            at = {k: ", ".join(f"{n} {np.mean([r['influence'][n][k - FIRST] for r in found.values()]):.2f}"
                               for n in names) for k in (FIRST, 20, 25, 50, 99)}
            print(f"\ninfluence, {method}: " + "; ".join(f"after {k}: {told}" for k, told in at.items()))


def _paired(by_method: dict[str, dict[int, dict]], method: str, at: int) -> str:
    if "bo" not in by_method or method == "bo":
        return "-"
    seeds = sorted(set(by_method["bo"]) & set(by_method[method]))
    if len(seeds) < 2:
        return "-"
    gain = np.array([max(by_method[method][s]["values"][:at + 1]) - max(by_method["bo"][s]["values"][:at + 1])
                     for s in seeds])
    return f"{gain.mean():+.2f} ({gain.std(ddof=1) / np.sqrt(len(seeds)):.2f})"


def figure(path: Path, name: str, by_method: dict[str, dict[int, dict]]) -> None:
    """Draw the mean best value over evaluations with two standard errors, and ProxyBO's influences below."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "dcanas"
    from matplotlib import pyplot as plt

    shown = [m for m in ("random", "evolution", "local", "bo", "proxybo", "sizes", "sorted synflow")
             if m in by_method]
    top, (upper, lower) = plt.subplots(2, 1, figsize=(7, 7), height_ratios=(2, 1), layout="constrained")
    for method in shown:
        best = _best(by_method[method])[:, FIRST - 1:]
        x, mean = np.arange(FIRST, LAST + 1), best.mean(0)
        error = 2 * best.std(0, ddof=1) / np.sqrt(len(best))
        upper.plot(x, mean, label=f"{method} ({len(best)} seeds)")
        upper.fill_between(x, mean - error, mean + error, alpha=0.15)
    upper.set(xlabel="evaluations", ylabel=f"best value so far, %: {name}")
    upper.legend(fontsize=8)
    joined = by_method.get("proxybo") or by_method.get("sizes") or {}
    for source in next(iter(joined.values()))["influence"] if joined else ():
        lower.plot(np.arange(FIRST, LAST), np.mean([r["influence"][source] for r in joined.values()], 0), label=source)
    lower.set(xlabel="evaluations", ylabel="influence", ylim=(0, 1))
    lower.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    top.savefig(path, metadata={"Date": None})


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "report"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", default=["cifar10"],
                        choices=["cifar10", "cifar100", "macro", "permuted", "limited", "both"])
    parser.add_argument("--methods", nargs="+", help="default: all that fit the task")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--task", default="cifar10", help="of the figure")
    options = parser.parse_args(arguments)
    {"run": run, "report": report}[options.action](options)


if __name__ == "__main__":
    main(sys.argv[1:])
