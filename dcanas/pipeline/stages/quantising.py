"""int8 (`int8=true`, or a device whose dtype is int8): the exported file quantised, and the better of both kept.

Calibrated on images of the training split; compared on the validation images and, where the device can be reached, by
latency measured side by side. On a device that runs fp32, of the files that keep every limit the one with the higher
validation accuracy is delivered, of equal ones the faster, or without a measurement the smaller. The test images
decide nothing: only the file that was chosen is tested on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.files import read_json, write_json
from dcanas.costs import Budget, count_network
from dcanas.export import quantize_onnx, stored_weight_bytes
from dcanas.hardware import Device, Profile, profile_onnx
from dcanas.pipeline.session import LATENCIES, Session
from dcanas.pipeline.stages.deriving import derived_folder
from dcanas.pipeline.stages.exporting import answers, examined
from dcanas.pipeline.stages.training import trained_model
from dcanas.training.splits import sample

CALIBRATION_IMAGES = 256
FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}


def run_int8(session: Session, device: Device) -> dict[str, Any] | None:
    """Return `int8.json` of the device's exported network, made now or before; None where nobody asks for it."""
    if not session.settings.int8 and device.dtype != "int8":
        return None
    folder = derived_folder(session, device)
    done, title = folder / "int8.json", f"Quantise for {device.name}"
    if done.exists():
        session.display.say(f"{title}: done before ({done})")
        return read_json(done)
    with session.display.measuring(title):
        dataset = session.dataset
        shown = sample(dataset, dataset.train, CALIBRATION_IMAGES * int(np.prod(dataset.shape)),
                       session.settings.data.split_seed)
        quantize_onnx(folder / FILES["fp32"], folder / FILES["int8"], dataset.images[shown])
        profiles = _profiles(session, device, folder)
        found = {name: _precision(session, device, folder, name, profiles.get(name)) for name in FILES}
        chosen, reason = _choice(device, found)
        precision = {"delivered": chosen, "decided_by": reason, "calibration_images": len(shown),
                     "validation_n": len(dataset.validation), "validation_was_learnt": dataset.learn_validation,
                     **found}
        final = {} if chosen == "fp32" else {
            **examined(trained_model(session, folder), folder / FILES["int8"], device, dataset),
            **{name: found["int8"][name] for name in ("peak_bytes", "weight_bytes")}}
        write_json(done, {"precision": precision, **final})
    session.display.say(f"  {chosen} is delivered: {reason}")
    return read_json(done)


def delivered_file(folder: Path) -> dict[str, Any]:
    """Return what is known of the file that is delivered: `int8.json` where int8 was chosen, else `export.json`."""
    int8 = folder / "int8.json"
    if int8.exists() and read_json(int8)["precision"]["delivered"] == "int8":
        return read_json(int8)
    return read_json(folder / "export.json")


def delivered_profile(folder: Path) -> Profile:
    """Return the measurement of the file that is delivered."""
    if delivered_file(folder)["onnx"] == FILES["int8"]:
        return Profile.from_json(read_json(folder / "int8_profiles.json")["int8"])
    return Profile.from_json(read_json(folder / "profile.json"))


def _profiles(session: Session, device: Device, folder: Path) -> dict[str, Profile]:
    """Return both files' latencies, measured side by side now or before."""
    if device.connection is None:
        return {}
    done = folder / "int8_profiles.json"
    if not done.exists():
        measured = profile_onnx({name: folder / file for name, file in FILES.items()}, device,
                                seed=session.settings.seed)
        write_json(done, {name: profile.to_json() for name, profile in measured.items()})
    return {name: Profile.from_json(value) for name, value in read_json(done).items()}


def _precision(session: Session, device: Device, folder: Path, name: str, profile: Profile | None) -> dict[str, Any]:
    """Return accuracy on validation, bytes, latency and the limits broken by one of the two files."""
    dataset, path = session.dataset, folder / FILES[name]
    given = answers(path, dataset, dataset.validation)
    correct = int((given == dataset.labels[dataset.validation]).sum())
    counts = count_network(trained_model(session, folder), dataset.shape, name)
    costs: dict[str, float] = {"params": counts.params, "macs": counts.macs, "weight_bytes": stored_weight_bytes(path),
                               "peak_bytes": counts.peak_bytes}
    upper = {cost: profile.upper(cost) for cost in LATENCIES} if profile else {}
    return {"validation_correct": correct, "validation_accuracy": correct / len(dataset.validation),
            "peak_bytes": costs["peak_bytes"], "weight_bytes": costs["weight_bytes"],
            **({cost: profile.value(cost) for cost in LATENCIES} if profile else {}),
            **({"latency_upper_ms": upper["latency_ms"], "remark": profile.remark} if profile else {}),
            "broken": _broken(session.budget(device), {**costs, **upper})}


def _broken(budget: Budget, values: Mapping[str, float]) -> list[str]:
    return [name for name in budget if name in values and not budget.allows(name, values[name])]


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
