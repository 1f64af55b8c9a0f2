"""Roughly how long a run will take: the multiply-accumulates of its training by the throughput of this machine."""

from __future__ import annotations

import math
import time
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from dcanas.basics.keys import derive_seed
from dcanas.basics.layout import to_channels_last
from dcanas.pipeline.context import Context

NOTABLE_MINUTES = 20
SLOW = 3e8  # multiply-accumulates per second that any machine reaches; if they suffice, nothing is measured
SAMPLE = 100  # members drawn to estimate the cost of a typical network
STEP = 2e9  # multiply-accumulates of a measured step
SECONDS = 1.0  # of measuring


def announce_duration(run: Context) -> None:
    """Report the expected duration of the rest of a run, and what shortens it, if it is long.

    To be called when the costs of the devices are known.
    """
    book, rng = run.book(run.devices[0]), np.random.default_rng(derive_seed(run.settings.seed, "duration"))
    macs = next(cost for cost in book.counted if cost.name == "macs").value
    drawn = [run.space.sample(rng) for _ in range(SAMPLE)]
    members = [member for member in drawn if book.target.allows(member)] or drawn
    typical = min(median(map(macs, members)), book.budget.get("macs", math.inf))
    search, training = _left(run, typical)
    if (search + training) / SLOW / 60 < NOTABLE_MINUTES:
        return
    member = min(members, key=lambda each: abs(macs(each) - typical))
    with torch.random.fork_rng([]):
        network = run.space.build(member, len(run.dataset.classes), run.dataset.shape[0],
                                  **run.space.delivered_skeleton(run.skeleton))
        if run.settings.train.channels_last:
            to_channels_last(network)
        throughput = training_throughput(network, book.networks.shape(member), macs(member),
                                         run.settings.train.batch_size, run.compute)
    minutes = (search + training) / throughput / 60
    if minutes >= NOTABLE_MINUTES:
        share = round(100 * search / (search + training))
        run.hooks.message(
            f"This run is expected to take {in_words(minutes)} on this machine, {share} % of it for the search and the "
            "choice among its candidates, the rest for the final training; fewer epochs, a smaller data.fraction, "
            "data.size or space.final_skeleton, or a GPU shorten it.")


def in_words(minutes: float) -> str:
    """Return a rough duration: "about 40 minutes", "about 3 hours", "about 2 days"."""
    if minutes < 95:
        return f"about {max(10, round(minutes / 10) * 10)} minutes"
    return f"about {round(minutes / 60)} hours" if minutes < 36 * 60 else f"about {round(minutes / 60 / 24)} days"


def training_throughput(network: nn.Module, input_shape: tuple[int, int, int], macs: float, batch_size: int,
                        device: torch.device) -> float:
    """Return the multiply-accumulates of forward passes per second of training, measured for about a second.

    Args:
        input_shape: (C, H, W).
        macs: multiply-accumulates of the network for one image.
    """
    images = torch.rand(max(2, min(batch_size, round(STEP / macs))), *input_shape).to(device)
    labels = torch.zeros(len(images), dtype=torch.int64, device=device)
    network.to(device).train()

    def step() -> None:
        network.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        loss.item()  # waits for a GPU

    step()  # allocates memory and chooses kernels
    start, steps = time.monotonic(), 0
    while not steps or time.monotonic() - start < SECONDS:
        step()
        steps += 1
    return steps * len(images) * macs / (time.monotonic() - start)


def _left(run: Context, macs: float) -> tuple[float, float]:
    """Return the multiply-accumulates left to train, of the search with its candidates and of the final training.

    macs: of a typical network within the budget, for one image.
    """
    task, dataset = run.task(folder=run.folder / "search"), run.dataset
    searched = (task.folder / run.method.results[0]).exists()
    untrained = sum(not (run.folder / "derived" / device.name / "train.json").exists() for device in run.devices)
    finalists = macs * len(task.targets) * getattr(task.settings, "finalists", 0) * \
        getattr(task.settings, "finalist_epochs", 0)
    search = 0.0 if searched else len(dataset.train) * (run.method.effort(task, macs) + finalists)
    training = untrained * len(dataset.fit_indices) * run.settings.train.epochs * macs
    return search / task.ranks.count, training / task.ranks.count
