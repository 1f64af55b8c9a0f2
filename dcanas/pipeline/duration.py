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
from dcanas.pipeline.rival import SPLITS
from dcanas.pretrained import PretrainedParts
from dcanas.report.kinds import read_result
from dcanas.search.halving.nominate import stage_cuts
from dcanas.search.handmade import families

NOTABLE_MINUTES = 20
NAMED_SECONDS = 60  # a part of the run that takes longer says so beforehand
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
    comparison = _comparison(run, typical)
    whole = search + training + comparison
    if whole / SLOW < NAMED_SECONDS:
        return
    member = min(members, key=lambda each: abs(macs(each) - typical))
    with torch.random.fork_rng([]):
        network = run.space.build(member, len(run.dataset.classes), run.dataset.shape[0],
                                  **run.space.delivered_skeleton(run.skeleton))
        if run.settings.train.channels_last:
            to_channels_last(network)
        throughput = training_throughput(network, book.networks.shape(member), macs(member),
                                         run.settings.train.batch_size, run.compute)
    minutes = whole / throughput / 60
    if minutes >= NOTABLE_MINUTES:
        compared = f"{round(100 * comparison / whole)} % for the comparison, " if comparison else ""
        without = "baseline=false, " if comparison else ""
        run.hooks.message(
            f"This run is expected to take {in_words(minutes)} on this machine, {round(100 * search / whole)} % of it "
            f"for the search and the choice among its candidates, {compared}the rest for the final training; {without}"
            "fewer epochs, a smaller data.fraction, data.size or space.final_skeleton, or a GPU shorten it.")
        return
    parts = {"the search and the choice among its candidates": search, "the comparison": comparison,
             "the final training": training}
    long = [f"{what} {_minutes(share / throughput)}" for what, share in parts.items()
            if share / throughput > NAMED_SECONDS]
    if long:
        run.hooks.message(f"Expected on this machine: {', '.join(long)}.")


def comparison_seconds(run: Context) -> float | None:
    """Return roughly how long it takes to train anew and to compare (`baseline=true`), from the training of a finished
    run; None if that has compared.
    """
    if run.settings.baseline:
        return None
    seconds = sum(read_result(run.device_folder(device) / "train.json").get("seconds", 0.0) for device in run.devices)
    images = len(run.devices) * len(run.dataset.fit_indices) * run.settings.train.epochs
    if run.carried or not images:
        return None
    return float(seconds * (1 + _comparison_images(run) / images))


def _minutes(seconds: float) -> str:
    return f"about {max(1, round(seconds / 60))} min"


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


def _comparison(run: Context, macs: float) -> float:
    """Return the multiply-accumulates left to train for `baseline=true`, roughly.

    Every family is trained briefly, then two networks in full; from pretrained weights the cuts and one of a family in
    full, then two networks on every fresh split. The final training of the one to compare with shares the processes.

    macs: of a typical network within the budget, for one image.
    """
    return _comparison_images(run) * macs if run.settings.baseline else 0.0


def _comparison_images(run: Context) -> float:
    """Return the number of images that a comparison still trains on, counted once per epoch."""
    dataset, epochs, full = run.dataset, run.settings.train.epochs, 2
    if isinstance(run.space, PretrainedParts):
        full = stage_cuts(run.space) + 1 + 2 * SPLITS
    choice = len(dataset.train) * (len(families) * max(1, epochs // 5) + full * epochs)
    images = 0.0
    for device in run.devices:
        folder = run.folder / "derived" / device.name / "baseline"
        judged = read_result(folder / "comparison.json") if (folder / "comparison.json").exists() else None
        images += choice if judged is None else 0
        if not (folder / "train.json").exists() and (judged is None or judged["baseline"] is not None):
            images += len(dataset.fit_indices) * epochs / run.ranks.count
    return images
