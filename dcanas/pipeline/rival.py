"""The rival in a run from pretrained weights: what a user would cut by hand, and whether the search beats it.

A part found by a search is compared with cuts after a stage, fine-tuned by the same recipe: three fresh splits, paired,
as one split of a few hundred photographs shows no difference of less than several points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.keys import derive_seed
from dcanas.basics.statistics import paired_interval
from dcanas.costs import Counts, Networks, cost_unit, count_architecture
from dcanas.hardware import Device
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.hardware.measuring.profile import LATENCIES
from dcanas.pipeline.context import Context
from dcanas.pipeline.train import space_of
from dcanas.pipeline.validated import Wanted, validated
from dcanas.pretrained import Pretrained, PretrainedParts
from dcanas.search.halving.measured import nominees_within
from dcanas.search.handmade import Handmade, stage_cut
from dcanas.spaces import load_space
from dcanas.training import Dataset

SPLITS = 3
COSTS = (*LATENCIES, "energy_mj", "macs", "params")  # in the order in which a limited one decides what costs less


def pretrained_cuts(run: Context, device: Device) -> list[Handmade]:
    """Return the cuts after a stage of the run's pretrained network, each with the largest images that keep the limits.

    They are those that `search=halving` has among its candidates.
    """
    space = run.space
    assert isinstance(space, PretrainedParts)
    kept, _ = nominees_within(space, run.book(device).target, 0, run.hooks)
    return [stage_cut(space, nominee.architecture, run.skeleton) for nominee in kept]


def described(network: Handmade) -> dict[str, Any]:
    """Return the content of the `architecture.json` of a network to compare with."""
    space = load_space(network.architecture.space)
    size = {} if network.size is None else {"size": list(network.size)}
    return {"space": space.name, "architecture": space.format(network.architecture), "name": network.name,
            "family": network.family, "skeleton": space.complete_skeleton(dict(network.skeleton)), **size}


def choose_rival(run: Context, folder: Path, candidates: Sequence[Handmade]) -> tuple[Handmade, list[dict[str, Any]]]:
    """Return the best of the candidates by the full recipe on the training split, and what was tried.

    Orders after a few epochs of fine-tuning are not those after all of them.
    """
    made = validated(run, folder, "Train the networks made by hand by the full recipe",
                     [Wanted(described(network), run.dataset, "train") for network in candidates])
    tried: list[dict[str, Any]] = [{"name": network.name, "family": network.family, "recipe": "full", **found}
                                   for network, found in zip(candidates, made, strict=True)]
    best = max(range(len(tried)), key=lambda i: (tried[i]["validation_accuracy"], -tried[i]["validation_loss"]))
    return candidates[best], tried


def same_network(searched: Mapping[str, Any], rival: Mapping[str, Any]) -> bool:
    """Return whether two descriptions are of one network."""
    if searched["space"] != rival["space"]:
        return False
    space = load_space(rival["space"])
    one, other = ((each["architecture"], space.complete_skeleton(dict(each["skeleton"]))) for each in (searched, rival))
    return one == other


def judge(run: Context, device: Device, folder: Path, searched: Mapping[str, Any],
          rival: Mapping[str, Any]) -> dict[str, Any]:
    """Return both networks' accuracies on fresh splits, and which is recommended and why."""
    pretrained = run.pretrained
    assert pretrained is not None
    wanted = [Wanted(network, dataset, f"split {number}")
              for number, dataset in enumerate(fresh_splits(run, pretrained), start=1) for network in (searched, rival)]
    found = [each["validation_accuracy"] for each in validated(
        run, folder, f"Compare: train both networks on {SPLITS} fresh splits", wanted)]
    return decide(found[::2], found[1::2], limited_cost(run, device, searched, rival))


def fresh_splits(run: Context, pretrained: Pretrained) -> list[Dataset]:
    """Return what may be learnt from, divided anew three times, look-alikes on one side."""
    from dcanas.training.look_alikes import groups_of, regroup  # here: see Context.dataset

    data = run.settings.data
    groups = groups_of(run.dataset, data, pretrained, run.cache)
    return [regroup(run.dataset, groups, data.validation_fraction, derive_seed(data.split_seed, "fresh split", number))
            for number in range(SPLITS)]


def decide(searched: Sequence[float], rival: Sequence[float],
           costs: tuple[str, float, float] | None) -> dict[str, Any]:
    """Return what accuracies on the same splits say of two networks, and which is recommended.

    A mean difference within its standard error shows nothing, and the one that costs less is recommended; the searched
    one, if neither is known to.

    Args:
        searched, rival: accuracies, paired by split, from 0 to 1.
        costs: name of a cost and its value of both; None: none is known of both.
    """
    differences = [mine - other for mine, other in zip(searched, rival, strict=True)]
    mean, error = fmean(differences), stdev(differences) / math.sqrt(len(differences))
    shown = abs(mean) > error
    better = mean > 0 if shown else costs is None or costs[1] <= costs[2]
    made: dict[str, Any] = {"searched": list(searched), "baseline": list(rival), "difference": mean,
                            "standard_error": error, "shown": shown}
    if costs is not None:
        made["cost"] = _cost_of_both(costs)
    return {"splits": made, "validation_accuracy": {"searched": fmean(searched), "baseline": fmean(rival)},
            "recommended": "searched" if better else "baseline",
            "recommended_by": _reason(f"{len(differences)} fresh splits", shown, costs)}


def decide_paired(searched: NDArray[np.bool_], rival: NDArray[np.bool_],
                  costs: tuple[str, float, float] | None) -> dict[str, Any]:
    """Return what the answers of two networks to the same validation images say, and which is recommended.

    An interval of the difference that holds 0 shows nothing, and the one that costs less is recommended.

    Args:
        searched, rival: whether each image is classified correctly, (N,).
        costs: see `decide`.
    """
    count, mine, theirs = len(searched), int((searched & ~rival).sum()), int((rival & ~searched).sum())
    low, high = paired_interval(mine, theirs, count)
    shown, difference = not low <= 0 <= high, (mine - theirs) / count
    better = difference > 0 if shown else costs is None or costs[1] <= costs[2]
    made: dict[str, Any] = {"n": count, "searched_only": mine, "rival_only": theirs, "difference": difference,
                            "low": low, "high": high, "shown": shown}
    if costs is not None:
        made["cost"] = _cost_of_both(costs)
    accuracies = {"searched": float(searched.mean()), "baseline": float(rival.mean())}
    return {"paired": made, "validation_accuracy": accuracies, "recommended": "searched" if better else "baseline",
            "recommended_by": _reason("the validation images", shown, costs)}


def _cost_of_both(costs: tuple[str, float, float]) -> dict[str, Any]:
    name, mine, other = costs
    return {"name": name, "unit": cost_unit(name), "searched": mine, "baseline": other}


def _reason(images: str, shown: bool, costs: tuple[str, float, float] | None) -> str:
    """Return in words what decides between two networks, see `decide`; images: on which both were judged."""
    if shown:
        return f"accuracy on {images}"
    alike = f"{images} show no difference in accuracy"
    if costs is None:
        return f"the search, as {alike} and no cost is known of both networks"
    name, mine, other = costs
    return f"cost, as {alike}" if mine != other else f"the search, as {alike} and both networks have the same {name}"


def limited_cost(run: Context, device: Device, searched: Mapping[str, Any],
                 rival: Mapping[str, Any]) -> tuple[str, float, float] | None:
    """Return the first limited cost that is known of both networks: its name and values. Without limits: MACs."""
    budget = run.book(device).budget
    for name in [name for name in dict.fromkeys([*COSTS, *budget]) if name in budget] or ["macs"]:
        mine, other = (_cost(run, device, network, name) for network in (searched, rival))
        if mine is not None and other is not None:
            return name, mine, other
    return None


def _cost(run: Context, device: Device, derived: Mapping[str, Any], name: str) -> float | None:
    """Return a cost of a network, measured, counted or predicted; None: it is not known."""
    channels, *sides = run.dataset.shape
    height, width = derived.get("size", sides)
    space, shape, classes = space_of(run, derived), (channels, height, width), len(run.dataset.classes)
    arch = space.parse(derived["architecture"])
    if name in LATENCIES and device.connection is not None:
        networks = Networks(space, shape, classes, derived["skeleton"])
        return measure_members(networks, [arch], run.folder / "latency" / device.name, device,
                               seed=run.settings.seed)[arch].value(name)
    if name in Counts.__dataclass_fields__:
        counts = count_architecture(space, arch, shape, classes, device.dtype, **derived["skeleton"])
        return float(getattr(counts, name))
    model = {cost.name: cost for cost in run.book(device).costs}.get(name)
    return None if model is None or space is not run.space else float(model.value(arch))
