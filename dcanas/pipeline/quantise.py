"""int8 (`int8=true`, or a device whose dtype is int8): the exported file quantised, and the better of both kept.

On a device that runs int8, a network that loses more than half a point by rounding is fine-tuned for it
(`int8_tuning`). Calibrated on images of the training split; compared on the validation images and, if the device can
be reached, by latency measured side by side. On a device that runs fp32, of the files that keep every limit the one
with the higher validation accuracy is delivered, of equal ones the faster, or without a measurement the smaller. The
test images decide nothing: only the file that was chosen is tested on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.files import sha256_of
from dcanas.basics.manifest import write_result
from dcanas.costs import count_network
from dcanas.export import quantize_onnx, stored_weight_bytes
from dcanas.hardware import Device, Profile, profile_onnx
from dcanas.hardware.devices.device import Microcontroller
from dcanas.hardware.measuring.profile import LATENCIES
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import FILES, INT8_WEIGHTS, own_images, trained_model
from dcanas.pipeline.export import examined, predicted_classes
from dcanas.pipeline.int8_tuning import tuned_for_int8
from dcanas.report.kinds import read_result
from dcanas.report.precision import tuning_words
from dcanas.training.splits import sample

CALIBRATION_IMAGES = 256


def quantise(run: Context) -> dict[str, dict[str, Any]]:
    """Return `int8.json` of the devices whose exported network is to be quantised, made now or before."""
    return {device.name: quantise_network(run, device, run.device_folder(device), f"Quantise for {device.name}")
            for device in run.devices if is_quantised(run, device)}


def is_quantised(run: Context, device: Device) -> bool:
    """Return whether the networks of a device are quantised."""
    return run.settings.int8 or device.dtype == "int8"


def quantise_network(run: Context, device: Device, folder: Path, title: str) -> dict[str, Any]:
    """Return `int8.json` of the exported file in `folder`, made now or before; title: of the stage."""
    done = folder / "int8.json"
    if before := run.made_before(done, title):
        return before
    with run.hooks.stage(title):
        dataset = own_images(run, folder)
        bits = 8 if isinstance(device, Microcontroller) else 7
        shown = sample(dataset, dataset.train, CALIBRATION_IMAGES * int(np.prod(dataset.shape)),
                       run.settings.data.split_seed)
        quantize_onnx(folder / FILES["fp32"], folder / FILES["int8"], dataset.images[shown], bits)
        tuned = tuned_for_int8(run, device, folder, dataset, shown, bits) if device.dtype == "int8" else None
        profiles = _profiles(run, device, folder)
        found = {name: _precision(run, device, folder, name, profiles.get(name)) for name in FILES}
        chosen, reason = _choice(device, found)
        made: dict[str, Any] = {"fp32_sha256": sha256_of(folder / FILES["fp32"]), "precision": {
            "delivered": chosen, "decided_by": reason, "calibration_images": len(shown),
            "validation_n": len(dataset.validation), "validation_was_learnt": dataset.learn_validation, **found}}
        if tuned is not None:
            made["precision"]["fine_tuned"] = tuned[1]
        if chosen == "int8":
            model = trained_model(run, folder) if tuned is None else tuned[0]
            made |= {**examined(model, folder / FILES["int8"], device, dataset),
                     **{name: found["int8"][name] for name in ("peak_bytes", "weight_bytes")}}
        beside = [folder / INT8_WEIGHTS] if tuned is not None and tuned[1]["kept"] else []
        write_result(run.folder, done, made, "quantise", [folder / FILES["int8"], *beside])
    run.hooks.message(f"  {chosen} is delivered: {reason}"
                      + (f"\n  {tuning_words(tuned[1], len(dataset.validation))}" if tuned is not None else ""))
    return made


def _profiles(run: Context, device: Device, folder: Path) -> dict[str, Profile]:
    """Return both files' latencies, measured side by side now or before."""
    if device.connection is None:
        return {}
    done = folder / "int8_profiles.json"
    if not done.exists():
        measured = profile_onnx({name: folder / file for name, file in FILES.items()}, device,
                                seed=run.settings.seed)
        write_result(run.folder, done, {name: asdict(profile) for name, profile in measured.items()}, "quantise")
    return {name: Profile.from_json(value) for name, value in read_result(done).items()}


def _precision(run: Context, device: Device, folder: Path, name: str, profile: Profile | None) -> dict[str, Any]:
    """Return accuracy on validation, bytes, latency and the limits broken by one of the two files."""
    dataset, path = own_images(run, folder), folder / FILES[name]
    budget, counts = run.book(device).budget, count_network(trained_model(run, folder), dataset.shape, name)
    correct = int((predicted_classes(path, dataset, dataset.validation) == dataset.labels[dataset.validation]).sum())
    costs: dict[str, float] = {"params": counts.params, "macs": counts.macs, "weight_bytes": stored_weight_bytes(path),
                               "peak_bytes": counts.peak_bytes}
    measured: dict[str, Any] = {}
    if profile is not None:
        costs |= {cost: profile.upper(cost) for cost in LATENCIES}
        measured = {cost: profile.value(cost) for cost in LATENCIES}
        measured |= {"latency_upper_ms": costs["latency_ms"], "remark": profile.remark}
    return {"validation_correct": correct, "validation_accuracy": correct / len(dataset.validation),
            "peak_bytes": costs["peak_bytes"], "weight_bytes": costs["weight_bytes"], **measured,
            "broken": [name for name in budget if name in costs and not budget.allows(name, costs[name])]}


def _choice(device: Device, found: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the precision to deliver, and why."""
    if device.dtype == "int8":
        return "int8", f"{device.name} runs int8"
    kept = [name for name in FILES if not found[name]["broken"]]
    if len(kept) == 1:
        return kept[0], "it alone keeps every limit"
    cost = "latency_ms" if "latency_ms" in found["int8"] else "weight_bytes"
    better = max(kept or FILES, key=lambda name: (found[name]["validation_correct"], -found[name][cost]))
    equal = found["fp32"]["validation_correct"] == found["int8"]["validation_correct"]
    reason = f"equal validation accuracy and less {cost}" if equal else "higher validation accuracy"
    return better, reason if kept else f"neither keeps every limit; {reason}"
