"""Measures what limits add to a step of the search: none against five at once, in turns within one process.

    python -m tools bench_constraints

A step is one of the alphas and one of the weights. Limits: params, macs, peak_bytes, weight_bytes and a latency with
one price per operation. Ratios are taken within a round, so that a busy machine slows both.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from dcanas.costs import Budget, LinearCost, count_costs
from dcanas.search import SearchSettings
from dcanas.search.gradient.bilevel import Batch, BilevelTrainer
from dcanas.spaces import load_space
from dcanas.training import DataSpec, load_data
from dcanas.training.ranks import ALONE


def trainer(limits: int, channels: int, cells: int) -> BilevelTrainer:
    """Return a search on the digits under the first so many limits."""
    space = load_space("nasbench201")
    prices = LinearCost(0.5, tuple((0.0, 0.01, 0.05, 0.2, 0.1) for _ in space.slots), "latency_ms", "ms")
    costs = [*count_costs(space, (1, 8, 8), 10, channels=16, cells=5), prices][:limits]
    even = [np.full(len(slot.options), 0.2) for slot in space.slots]
    budget = Budget({cost.name: 0.9 * float(cost.expected(even)) for cost in costs})
    return BilevelTrainer(space, load_data(DataSpec()), budget, costs, SearchSettings(), 0,
                          {"channels": channels, "cells": cells}, torch.device("cpu"), ALONE)


def seconds(run: BilevelTrainer, batch: Batch, steps: int) -> float:
    """Return the seconds of a step, over a block of steps."""
    start = time.perf_counter()
    for _ in range(steps):
        run.step_alphas(batch, batch, 0.5)
        run.step_weights(batch, 0.5)
    return (time.perf_counter() - start) / steps


def main(*, channels: int = 16, cells: int = 1, batch: int = 64, rounds: int = 10, steps: int = 3) -> None:
    """Print the time of a step with and without limits.

    Args:
        steps: per round and setting
    """
    torch.set_num_threads(1)
    noise = (torch.rand(batch, 1, 8, 8), torch.randint(10, (batch,)), batch)
    free, limited = (trainer(limits, channels, cells) for limits in (0, 5))
    for run in (free, limited):
        seconds(run, noise, 2)
    turns = [(seconds(free, noise, steps), seconds(limited, noise, steps)) for _ in range(rounds)]
    low, middle, high = statistics.quantiles([with_limits / without for without, with_limits in turns], n=4)
    print(f"{channels} channels, {cells} cells per stage, batch {batch} of 1x8x8, 1 thread: "
          f"{1000 * statistics.median(without for without, _ in turns):.1f} ms per step without limits, with five x "
          f"{middle:.3f} (quartiles {low:.3f} to {high:.3f})")
