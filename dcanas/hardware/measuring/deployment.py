"""Deployment of a bundle: it is copied to the device, its predictions are compared with ours, and it is timed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.export import infer, open_session, worker
from dcanas.export.bundle import FILES, SUMS
from dcanas.export.parity import relative_errors
from dcanas.hardware.devices.device import Device, Ssh
from dcanas.hardware.devices.machine import during, throttling
from dcanas.hardware.measuring.profile import TOLERANCE
from dcanas.hardware.measuring.profiler import measured
from dcanas.hardware.transport.board import BoardLostError, Worker, connected
from dcanas.hardware.transport.board_protocol import block_of, count, list_of, number, or_none, states_of, text
from dcanas.hardware.transport.on_board import OnBoard, look
from dcanas.hardware.transport.plausible import require_sum

_ROW = block_of({"label": text, "probability": number})
_TIMES = list_of(count, 10_000_000)
_START_S, _IMAGE_S = 30.0, 2.0  # for infer.py to start, and for it and the comparison to classify an image
_STAGE_BYTES = 16 << 20  # of all times of the stages: more than any device makes in their seconds


def deploy_bundle(bundle: Path | str, device: Device, images: Sequence[Path], seconds: float = 60.0,
                  folder: str | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copy a bundle to the device and test it there; on this machine, in a process and a folder of its own.

    Args:
        images: image files that `infer.py` classifies there and here.
        seconds: of running the network without a pause.
        folder: in which the bundle's own folder is made; None: that of the profile, or the home directory there.
        seed: of the input of the latency measurement.

    Returns:
        A summary for the certificate, and all samples behind it. Times are in ms and ns, as their names say.

    Raises:
        UserError: the device cannot be used, or answers wrongly.
    """
    if device.connection is None:
        raise UserError(f"{device.name} has no connection in its profile, so nothing can be deployed to it.")
    bundle = Path(bundle)
    sha256 = hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    place, parent = "this machine, a process of its own", folder
    if isinstance(device.connection, Ssh):
        place, parent = device.place, folder or device.connection.folder
    try:
        with connected(device.connection, device.name) as started:
            machine = look(started, device)
            inside = started.ask("open", {"folder": text}, folder=parent, name=f"dcanas-{sha256[:12]}")["folder"]
            for name in (*FILES, SUMS):
                if (bundle / name).exists():  # bundles of older versions have neither certificate nor sums
                    started.store(bundle / name, name)
            names = {f"sample-{i:03}{path.suffix.lower()}": path for i, path in enumerate(images)}
            for name, path in names.items():
                started.store(path, name)
            opened = OnBoard(started, machine, {"model.onnx": "model.onnx"}, device, 2.5, seed)
            profile = measured(opened, device, ["model.onnx"], {"seconds": 2.5, "seed": seed})["model.onnx"]
            answers, stages = _classified(started, bundle, device, names)
            sustained = _sustained(started, device, seconds)
    except BoardLostError as lost:
        raise UserError(f"Lost contact with device {device.name} while the bundle was deployed ({lost}); run the "
                        "command again.") from lost
    summary = {
        "device": device.name, "place": place, "folder": inside, "sha256": sha256, "images": len(images),
        "answers": answers,
        "latency": profile.summary(), "stages": {name: _stage(times) for name, times in stages.items()},
        "sustained": {key: value for key, value in sustained.items() if key != "medians_ns"}}
    return summary, {"profile": asdict(profile), "stages_ns": stages, "sustained_medians_ns": sustained["medians_ns"]}


def _classified(started: Worker, bundle: Path, device: Device,
                names: dict[str, Path]) -> tuple[dict[str, Any] | None, dict[str, list[int]]]:
    """Return the comparison of the device's predictions with ours, None if it cannot open image files, and the times of
    each stage in ns."""
    expected = infer.classify(bundle, list(names.values()))
    classes, n = len((bundle / "labels.txt").read_text(encoding="utf-8").splitlines()), len(names)
    checks = {"rows": or_none(list_of(_ROW, n)), "logits": or_none(list_of(list_of(number, classes), n)),
              "stages": or_none(block_of(dict.fromkeys(("decode", "preprocess", "network"), _TIMES)))}
    found = started.ask("classify", checks, files=list(names), threads=device.threads, provider=device.provider,
                        takes_s=_START_S + _IMAGE_S * n + worker.STAGES_S, longest=_STAGE_BYTES + 32 * n * classes)
    if any(found[key] is None for key in checks):
        return None, {}
    if not len(found["rows"]) == len(found["logits"]) == n or any(len(row) != classes for row in found["logits"]):
        raise UserError(f"Device {device.name} did not answer for every image; run the command again.")
    require_sum(device.name, "classifying", sum(map(sum, found["stages"].values())), started.took_s)
    preprocessing = json.loads((bundle / "preprocessing.json").read_text(encoding="utf-8"))
    pixels = np.stack([infer.load_image(path, preprocessing) for path in names.values()])
    ours = infer.predict(open_session(bundle / "model.onnx"), pixels)
    answers = {
        "n": n, "equal": sum(here["label"] == there["label"]
                             for here, there in zip(expected, found["rows"], strict=True)),
        "largest_probability_difference": max(abs(here["probability"] - there["probability"])
                                              for here, there in zip(expected, found["rows"], strict=True)),
        "max_relative_logit_error": float(relative_errors(ours, np.array(found["logits"])).max())}
    return answers, found["stages"]


def _sustained(started: Worker, device: Device, seconds: float) -> dict[str, Any]:
    """Return the network's latency under sustained load, in ms."""
    checks = {**dict.fromkeys(("runs", "median_ns", "p95_ns", "slowest_ns"), count), "medians_ns": _TIMES,
              "states": states_of}
    found = started.ask("sustain", checks, seconds=seconds, threads=device.threads, provider=device.provider,
                        takes_s=seconds, longest=_STAGE_BYTES)
    require_sum(device.name, "the runs without a pause", found["median_ns"] * found["runs"] / 2, started.took_s)
    require_sum(device.name, "its slowest run", found["slowest_ns"], started.took_s)
    if not found["median_ns"] <= found["p95_ns"] <= found["slowest_ns"] or not found["medians_ns"] or \
            not found["states"]:
        raise UserError(f"Device {device.name} answered with times of its load that contradict each other; none of "
                        "them is used. Run the command again.")
    medians, conditions = np.array(found["medians_ns"]) / 1e6, during(found["states"])
    part = max(len(medians) // 6, 1)
    first, last = float(np.median(medians[:part])), float(np.median(medians[-part:]))
    slowed = throttling(conditions) or (f"its last {part} s were {last / first - 1:.1%} slower than the first"
                                        if last > (1 + TOLERANCE) * first else "")
    return {"seconds": seconds, "runs": found["runs"], "median_ms": found["median_ns"] / 1e6,
            "p95_ms": found["p95_ns"] / 1e6, "slowest_ms": found["slowest_ns"] / 1e6, "first_ms": first,
            "last_ms": last, "slowed": slowed, **conditions, "medians_ns": found["medians_ns"]}


def _stage(times_ns: list[int]) -> dict[str, Any]:
    times = np.array(times_ns) / 1e6
    return {"median_ms": float(np.median(times)), "p95_ms": float(np.percentile(times, 95)), "n": len(times)}

