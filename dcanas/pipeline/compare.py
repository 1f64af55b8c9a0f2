"""Comparison (`baseline=true`): the best hand-made network of the same size class within the same budget,
trained by the same recipe, beside the one that was searched; from pretrained weights also their cuts (see `rival`).

Of each family the network that fills the budget best is taken (measured limits are measured; on a device that cannot
be reached they are unknown for such a network, so the size of the searched one is the limit instead; microcontrollers
have families of their own, held against RAM and flash), short
training on the validation split chooses among the families. Then both, hand-made and searched, are trained by the full
recipe on the training split alone, and the accuracy on the validation split recommends one. The test images decide
nothing: both are trained again on all that may be learnt from, exported, measured and tested; the certificate shows
them side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from dcanas.basics.fan_out.fan_out import called, fan_out
from dcanas.basics.files import write_json
from dcanas.basics.ledger import Ledger
from dcanas.basics.manifest import write_result
from dcanas.costs import Budget, Networks
from dcanas.hardware import Device
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.hardware.measuring.profile import LATENCIES
from dcanas.hardware.microcontroller.cores import core_named
from dcanas.pipeline.context import Context
from dcanas.pipeline.cost_book import CHANNEL_BYTES
from dcanas.pipeline.delivered import images_for
from dcanas.pipeline.export import export_network
from dcanas.pipeline.profile import profile_network
from dcanas.pipeline.prove import prove_network
from dcanas.pipeline.quantise import is_quantised, quantise_network
from dcanas.pipeline.rival import (
    choose_rival,
    decide_paired,
    described,
    judge,
    limited_cost,
    pretrained_cuts,
    same_network,
)
from dcanas.pipeline.robustness import network_robustness
from dcanas.pipeline.train import recipe_for, train_network
from dcanas.pipeline.validated import Wanted, right_answers, validated
from dcanas.report.kinds import read_result
from dcanas.search.finalists import short_training
from dcanas.search.handmade import Handmade, counted_limits, fullest
from dcanas.search.handmade_code import fullest_code
from dcanas.spaces import load_space

BESIDE = ("architecture.json", "families.json", "trainings.json")  # as far as they exist
TRIES = 4  # networks of a family that are measured before it is given up


def compare(run: Context) -> None:
    """Choose, train, export, measure and attack a hand-made network for every device, unless that was done before."""
    for device in run.devices:
        folder = run.device_folder(device) / "baseline"
        done = folder / "comparison.json"
        if not done.exists():
            found = _compare(run, device, folder)
            beside = [folder / name for name in BESIDE if (folder / name).exists()]
            write_result(run.folder, done, found, "compare", beside)
        comparison = read_result(done)
        if comparison["baseline"] is None:
            run.hooks.message(f"  {comparison['remark']}")
            continue
        train_network(run, folder, f"Train the baseline for {device.name}")
        export_network(run, device, folder, f"Export the baseline for {device.name}")
        if is_quantised(run, device):
            quantise_network(run, device, folder, f"Quantise the baseline for {device.name}")
        if isinstance(device, Microcontroller):
            prove_network(run, device, folder, f"C code of the baseline for {device.name}")
        if device.connection is not None:
            profile_network(run, device, folder, f"Measure the baseline on {device.name}")
        network_robustness(run, device, folder, "Attack the baseline")


def _compare(run: Context, device: Device, folder: Path) -> dict[str, Any]:
    limits, stated = _size_class(run, device)
    candidates = _candidates(run, device, limits)
    cuts = [] if run.pretrained is None else pretrained_cuts(run, device)
    if not candidates and not cuts:
        return {"baseline": None, "recommended": "searched", "limits": dict(limits),
                "remark": "No hand-made network of the known families is within the budget."}
    finalists = list(cuts)
    tried: list[dict[str, Any]] = []
    if candidates:
        chosen, tried = _choose(run, device, folder, candidates)
        finalists.append(chosen)
    if run.pretrained is not None:
        chosen, in_full = choose_rival(run, folder, finalists)
        tried += in_full
        if chosen in cuts:  # predicted like what is searched
            limits, stated = run.book(device).budget, "the budget"
    own, baseline = read_result(run.device_folder(device) / "architecture.json"), described(chosen)
    made = {"baseline": baseline, "limits": dict(limits), "limits_from": stated, "candidates": tried}
    if run.pretrained is None:
        write_json(folder / "architecture.json", baseline)
        return {**made, **_validated_once(run, device, folder, own, baseline)}
    if same_network(own, baseline):
        return {**made, "baseline": None, "recommended": "searched",
                "remark": f"The searched network is {chosen.name}, the best that is made by hand within {stated}: "
                          "there is nothing to compare it with."}
    judged = judge(run, device, folder, own, baseline)
    write_json(folder / "architecture.json", baseline)
    return {**made, **judged}


def _validated_once(run: Context, device: Device, folder: Path, own: dict[str, Any],
                    baseline: dict[str, Any]) -> dict[str, Any]:
    """Return the accuracy of both on the validation split, their paired difference, and which is recommended."""
    wanted = [Wanted(network, run.dataset, "train") for network in (own, baseline)]
    searched, handmade = (found["validation_accuracy"] for found in validated(
        run, folder, f"Compare: train the searched network and {baseline['name']} without validation images", wanted))
    mine, theirs = (right_answers(folder, each) for each in wanted)
    if mine is not None and theirs is not None:
        return decide_paired(mine, theirs, limited_cost(run, device, own, baseline))
    return {"validation_accuracy": {"searched": searched, "baseline": handmade},
            "recommended": "searched" if searched >= handmade else "baseline",
            "recommended_by": "accuracy on the validation split after the full recipe on the training split"}


def _size_class(run: Context, device: Device) -> tuple[Budget, str]:
    """Return the limits for a hand-made network, and their origin in words.

    They are the searched network's own parameters and MACs if the budget limits no counted cost, or a cost that is
    unknown for a hand-made network.
    """
    budget = run.book(device).budget
    if isinstance(device, Microcontroller):
        return budget, "the budget"
    counted = counted_limits(budget)
    unknown = [name for name in budget if name not in counted] if device.connection is None else []
    if counted and not unknown:
        return budget, "the budget"
    costs = read_result(run.device_folder(device) / "architecture.json")["costs"]
    why = (f"as {', '.join(unknown)} on {device.name} is not known of a hand-made network: the device cannot be reached"
           if unknown else "the budget having no limit on what is counted")
    return Budget({**budget, **{name: costs[name]["value"] for name in ("params", "macs")}}), \
        f"the size of the searched network, {why}"


def _candidates(run: Context, device: Device, limits: Budget) -> list[Handmade]:
    """Return per family the network that fills the limits best and keeps the measured ones."""
    if isinstance(device, Microcontroller):
        arithmetic = core_named(device.processor.core).arithmetic
        return [first for first, *_ in fullest_code(limits, run.dataset.shape, run.dataset.classes,
                                                    arithmetic).values()]
    shape = _image_shape(run, device)
    size = None if run.pretrained is None else shape[1:]
    counted = Budget({name: limits[name] - (CHANNEL_BYTES * shape[0] if name == "weight_bytes" else 0)
                      for name in counted_limits(limits)})
    measured = [name for name in LATENCIES if name in limits and device.connection is not None]
    found = []
    for networks in fullest(min(shape[1:]), counted, shape, len(run.dataset.classes), device.dtype).values():
        for network, _ in networks[:TRIES if measured else 1]:
            asked = Networks(load_space(network.architecture.space), shape, len(run.dataset.classes), network.skeleton)
            profile = measure_members(asked, [network.architecture], run.folder / "latency" / device.name, device,
                                      seed=run.settings.seed)[network.architecture] if measured else None
            if profile is None or all(limits.allows(name, profile.upper(name)) for name in measured):
                found.append(replace(network, size=size))
                break
    return found


def _image_shape(run: Context, device: Device) -> tuple[int, int, int]:
    """Return (C, H, W) of the images of the hand-made families: the data set's, or, from pretrained weights, where each
    part has images of its own size, those of the searched network."""
    if run.pretrained is None:
        return run.dataset.shape
    searched = read_result(run.device_folder(device) / "architecture.json")
    return run.space.input_shape(run.space.parse(searched["architecture"]), run.dataset.shape, **searched["skeleton"])


def _choose(run: Context, device: Device, folder: Path,
            candidates: list[Handmade]) -> tuple[Handmade, list[dict[str, Any]]]:
    """Return the best of the families' networks by short training on the validation split, and what was tried."""
    known = Ledger(folder / "families.json")
    epochs = max(1, run.settings.train.epochs // 5)
    with run.stage(f"Hand-made networks for {device.name}") as hooks:
        items = {network.name: _short(run, network, epochs) for network in candidates if network.name not in known}
        for name, found in fan_out(run.engine, called, items, folder, hooks, "families", device=str(run.compute)):
            known[name] = found
    tried = [{"name": network.name, "family": network.family, "recipe": "short", **known[network.name]}
             for network in candidates]
    best = max(range(len(tried)), key=lambda i: (tried[i]["validation_accuracy"], -tried[i]["validation_loss"]))
    return candidates[best], tried


def _short(run: Context, network: Handmade, epochs: int) -> Callable[..., dict[str, Any]]:
    """Return the short training of a network, which takes `hooks` and `device`."""
    derived = described(network)
    return partial(short_training, load_space(derived["space"]), images_for(run, derived), recipe_for(run, derived),
                   epochs, run.settings.seed, network.architecture, skeleton=network.skeleton)
