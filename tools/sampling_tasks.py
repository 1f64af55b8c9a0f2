"""Published tables as searches for `study_sampling`: what may be asked, what it is worth and how long it takes.

cifar10: NAS-Bench-201, accuracy of the 200-epoch validation training. cifar100: its published test accuracy, the only
one in the tables, under CIFAR-10's proxies. macro: NAS-Bench-Macro, mean of three trainings. permuted: cifar10 with
snip, synflow and jacov shuffled among the networks. limited: cifar10 within edgegpu's 25th percentile of latency. both:
half of the largest parameter count besides; each limit excludes the best under the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from dcanas.benchmarks.judged_data import PROXIES
from dcanas.benchmarks.table_problem import FAILED
from dcanas.costs import Budget, CostModel, count_costs
from dcanas.hardware import load_tables
from dcanas.hardware.latency.table_files import read_columns, tables_folder
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.proxy_sources import known_values, select_sources
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.feasible import FeasibleMembers
from dcanas.spaces import Architecture, Space, load_space
from tools.macro_space import Macro
from tools.tables import column

TASKS = ("cifar10", "cifar100", "macro", "permuted", "limited", "both")
THREE = ("snip", "synflow", "jacov")
Choices = tuple[int, ...]
Known = Mapping[Choices, float]


class Task:
    """A table as a search.

    Attributes:
        value: what is maximised; proxies: scores by name; duration: of a training, 1 on average.
    """

    def __init__(self, space: Space, value: Known, proxies: Mapping[str, Known], macs: Known,
                 costs: Sequence[CostModel] = (), budget: Budget | None = None):
        self.space, self.value = space, value
        mean = float(np.mean(list(macs.values())))
        self.duration = {choices: each / mean for choices, each in macs.items()}
        self.members = FeasibleMembers(space, budget or Budget(), costs)
        self.rows: list[Choices] = [tuple(row) for row in self.members.listed().tolist()]
        self.optimum = max(value[row] for row in self.rows)
        self.proxies = {**proxies, "perfect": value, "wrong": {choices: -each for choices, each in value.items()}}

    def candidates(self, settings: SamplerSettings, seed: int) -> Candidates:
        offered = {name: known_values(name, known) for name, known in self.proxies.items()}
        return Candidates(self.members, settings, select_sources(settings.proxies, offered, seed), lambda arch: arch)

    def row(self, asked: Sequence[Choices], seconds: Sequence[float]) -> dict:
        """Return what became of a search that asked for these networks."""
        return {"values": [self.value[choices] for choices in asked], "optimum": self.optimum,
                "seconds": [round(float(each), 4) for each in seconds],
                "feasible": sum(self.members.allows(Architecture(self.space.name, choices)) for choices in asked)}


@cache
def load_task(name: str) -> Task:
    """Return a task by its name."""
    return _macro() if name == "macro" else _nasbench201(name)


def _nasbench201(name: str) -> Task:
    space = load_space("nasbench201")
    accuracy = column("nasbench201_accuracy", "cifar100_test" if name == "cifar100" else "cifar10_val")
    texts, scores = read_columns(tables_folder() / "nasbench201_proxies_cifar10.csv.gz", PROXIES)
    archs = [space.parse(text) for text in texts]

    def known(values: Sequence[float] | np.ndarray) -> Known:
        return dict(zip((arch.choices for arch in archs), map(float, values), strict=True))

    order = np.random.default_rng(0).permutation(len(archs)) if name == "permuted" else np.arange(len(archs))
    proxies = {proxy: known(np.where(values <= -FAILED, np.nan, values)[order if proxy in THREE else ...])
               for proxy, values in scores.items()}
    counts = {cost.name: cost for cost in count_costs(space)}
    latency, budget = load_tables()["edgegpu.latency_ms"], {}
    costs: list[CostModel] = []
    if name in ("limited", "both"):
        within = np.array([latency.value(arch) for arch in archs])
        budget["latency_ms"], costs = float(np.percentile(within[np.isfinite(within)], 25)), [latency]
    if name == "both":
        budget["params"] = max(counts["params"].value(arch) for arch in archs) / 2
        costs.append(counts["params"])
    return Task(space, known([accuracy[text] for text in texts]), proxies,
                known([counts["macs"].value(arch) for arch in archs]), costs, Budget(budget))


def _macro() -> Task:
    value, params, macs = ({tuple(map(int, text)): number for text, number in column("nas_bench_macro_cifar10",
                                                                                     name).items()}
                           for name in ("mean_acc", "params", "flops"))
    return Task(Macro(), value, {"params": params, "macs": macs}, macs)
