"""Latencies of members of a space, measured on exported networks before anything is trained."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnxruntime

from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import derive_seed, key_of
from dcanas.costs import Networks
from dcanas.hardware.devices.device import Device
from dcanas.hardware.measuring.profile import Profile
from dcanas.hardware.measuring.profiler import PROTOCOL, profile_onnx
from dcanas.hardware.transport.progress import report
from dcanas.spaces import Architecture

SECONDS = 2.5  # of measuring a member
BRIEF_SECONDS = 0.8  # where an error of 4 % changes nothing: the fit to it is further off, or a longer look follows
_exporting = threading.Lock()  # several boards may be measured at once, but the exporter and torch's seeds are shared


def measure_members(networks: Networks, members: Sequence[Architecture], folder: Path | str, device: Device,
                    seconds: float = SECONDS, seed: int = 0, cap_s: float | None = None,
                    stage: Callable[[], AbstractContextManager[Any]] = nullcontext) -> dict[Architecture, Profile]:
    """Build, export and measure members side by side, as they would be delivered but with random weights.

    Args:
        networks: what the members are networks of.
        folder: every profile is stored there before it is returned; members found there under the same settings and
            runtime are not measured again.
        seconds, cap_s: of measuring, see `profile_onnx`.
        seed: of the weights, the input and the order of visits.
        stage: surrounds measuring, if anything is left to measure.
    """
    folder, space = Path(folder), networks.space
    skeleton = space.complete_skeleton(dict(networks.skeleton))
    settings = (skeleton, networks.input_shape, networks.num_classes, device,
                seconds, seed, onnxruntime.__version__ if device.connection == "local" else device.runtime, PROTOCOL)
    keys = {arch: key_of(arch, *settings) for arch in members}
    missing = {arch: key for arch, key in keys.items() if not (folder / f"{key}.json").is_file()}
    files = {key: folder / f"{key}.onnx" for key in missing.values()}
    with stage() if missing else nullcontext():
        for number, (arch, key) in enumerate(missing.items()):
            report(number, len(missing), "networks exported")
            with _exporting:
                if not files[key].is_file():
                    export_member(networks, arch, files[key], device, seed)
        profiles = profile_onnx(files, device, seconds, seed, cap_s) if files else {}
    for arch, key in missing.items():
        write_json(folder / f"{key}.json", {**asdict(profiles[key]), "architecture": space.format(arch),
                                            "space": space.name, "skeleton": skeleton})
    return {arch: Profile.from_json(read_json(folder / f"{key}.json")) for arch, key in keys.items()}


def export_member(networks: Networks, arch: Architecture, path: Path, device: Device, seed: int,
                  classes: Sequence[str] = ()) -> None:
    """Write a member with random weights as the ONNX file for `device`. classes: names that the file stores, if any."""
    import torch

    from dcanas.export.classifier import Classifier, Normalise
    from dcanas.export.onnx_file import export_onnx
    from dcanas.export.random_statistics import with_random_statistics

    space, channels = networks.space, networks.input_shape[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights of a measured member", arch))
        network = space.build(arch, networks.num_classes, channels, **networks.skeleton)
    network = Classifier(Normalise([0.5] * channels, [0.25] * channels), with_random_statistics(network, seed))
    export_onnx(network, path, networks.shape(arch), device.runtime.opset, device.runtime.ir_version,
                {"architecture": space.format(arch), **({"classes": json.dumps(list(classes))} if classes else {})})
