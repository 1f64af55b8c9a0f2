"""Measures what limits add to a step of the search: none against five at once, in turns within one process.

    uv run python tools/bench_constraints.py
    uv run python tools/bench_constraints.py --channels 16 --cells 5 --batch 64 --rounds 10

A step is one of the alphas and one of the weights. Limits: params, macs, peak_bytes, weight_bytes and a latency with
one price per operation. Ratios are taken within a round, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np
import torch

from dcanas.costs import Budget, LinearCost, count_costs
from dcanas.search import SearchSettings
from dcanas.search.gradient.bilevel import Batch, BilevelTrainer
from dcanas.spaces import load_space
from dcanas.training import DataSpec, load_data
from dcanas.training.ranks import ALONE

SPACE = load_space("nasbench201")


def learner(limits: int, options: argparse.Namespace) -> BilevelTrainer:
    costs = count_costs(SPACE, (1, 8, 8), 10, channels=16, cells=5)
    prices = tuple((0.0, 0.01, 0.05, 0.2, 0.1) for _ in SPACE.slots)
    costs = [*costs, LinearCost(0.5, prices, "latency_ms", "ms")][:limits]
    even = [np.full(len(slot.options), 0.2) for slot in SPACE.slots]
    budget = Budget({cost.name: 0.9 * float(cost.expected(even)) for cost in costs})
    return BilevelTrainer(SPACE, load_data(DataSpec()), budget, costs, SearchSettings(), 0,
                   {"channels": options.channels, "cells": options.cells}, torch.device("cpu"), ALONE)


def seconds(run: BilevelTrainer, batch: Batch, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        run.step_alphas(batch, batch, 0.5)
        run.step_weights(batch, 0.5)
    return (time.perf_counter() - start) / steps


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=3, help="per round and setting")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    images = torch.rand(options.batch, 1, 8, 8)
    batch = (images, torch.randint(10, (options.batch,)), options.batch)
    runs = {limits: learner(limits, options) for limits in (0, 5)}
    for run in runs.values():
        seconds(run, batch, 2)
    rounds = [{limits: seconds(run, batch, options.steps) for limits, run in runs.items()}
              for _ in range(options.rounds)]
    ratios = [each[5] / each[0] for each in rounds]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(" ".join(["python tools/bench_constraints.py", *arguments]))
    print(f"{options.channels} channels, {options.cells} cells per stage, batch {options.batch} of 1x8x8, 1 thread: "
          f"{1000 * statistics.median(each[0] for each in rounds):.1f} ms per step without limits, with five x "
          f"{middle:.3f} (quartiles {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main(sys.argv[1:])
