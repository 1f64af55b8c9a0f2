"""Robustness of the delivered network: attacks on the torch network, Square on its ONNX files, common corruptions.

Square sees predictions only, so it attacks the exported file in ONNX Runtime, where the delivered network lives.

On images of the test split, which decide nothing: what is found is reported, and held against `robust_accuracy_min`
like a measured latency against its limit. The network has learnt from the images of the validation split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of
from dcanas.export import as_floats
from dcanas.export.batched import batched_predict
from dcanas.export.batchnorm_folding import folded
from dcanas.hardware import Device
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import FILES, delivered_file, trained_model
from dcanas.robustness import RobustAccuracy, ThreatModel, corruption_accuracy, robust_curve
from dcanas.robustness.corruptions.apply import SMALLEST_SIDE
from dcanas.robustness.suite import AttackSpec
from dcanas.robustness.task import Model
from dcanas.training.splits import sample

BATCH_VALUES = 128 * 3 * 32 * 32  # pixels times channels that are attacked at once


def robustness(run: Context) -> None:
    """Attack the network of every device for which robustness is wanted or limited."""
    for device in run.devices:
        network_robustness(run, device, run.device_folder(device), f"Attack the network for {device.name}")


def network_robustness(run: Context, device: Device, folder: Path, title: str) -> dict[str, Any] | None:
    """Return what the network in `folder` withstands; None if that is neither wanted nor limited."""
    limited = bool(run.book(device).qualities)
    if not run.settings.robustness and not limited:
        return None
    return attack_network(run, folder, run.settings.threat, title, validation=limited)


def attack_network(run: Context, folder: Path, threat: ThreatModel, title: str, validation: bool = False,
                   further: Path | None = None) -> dict[str, Any]:
    """Return what the network in `folder` withstands, found now or before.

    Args:
        validation: attack images of the validation split too.
        further: one more ONNX file.
    """
    exported = folder / FILES["fp32"]
    others = [*sorted(set(folder.glob("*.onnx")) - {exported}), *([further] if further else [])]
    digests = {path.name: _digest(path) for path in (exported, *others)}
    key = key_of(threat, run.settings.seed, digests, run.dataset.test_key, validation)
    work = folder / "robustness" / key
    done = work / "robustness.json"
    if done.exists():
        return read_json(done)
    suite = threat.suite(len(run.dataset.classes))
    images, labels = _images(run, run.dataset.test, threat)
    value: dict[str, Any] = {"key": key, "split": "test", "n": len(labels), "norm": threat.norm,
                             "eps_255": sorted(set(threat.eps_255)), "seed": run.settings.seed,
                             "attacks": [asdict(spec) for spec in suite],
                             "delivered": delivered_file(folder)["onnx"]}
    model = folded(trained_model(run, folder)).to(run.compute)
    blind = [spec for spec in suite if not spec.needs_gradients]
    shipped = batched_predict(exported, images, torch.get_num_threads()) if blind else None
    network = _curve(run, model, images, labels, threat, suite, work / "test", title, digests[exported.name],
                     shipped=shipped)
    value["results"] = _as_json(network)
    if validation:
        seen, named = _images(run, run.dataset.validation, threat)
        value["validation"] = _as_json(_curve(run, model, seen, named, threat, suite, work / "validation",
                                              f"{title}, validation images", digests[exported.name], shipped=shipped))
    value["files"] = [_file(run, path, digests[path.name], images, labels, threat, blind, network, work, title)
                      for path in others if blind]
    value["corruptions"] = _corruptions(run, model, images, labels, work, title)
    write_json(done, value)
    return value


def _images(run: Context, rows: np.ndarray, threat: ThreatModel) -> tuple[np.ndarray, np.ndarray]:
    dataset = run.dataset
    if threat.images is not None:
        size = int(np.prod(dataset.shape))
        rows = sample(dataset, rows, threat.images * size, run.settings.data.split_seed)
    return as_floats(dataset.images[rows]), dataset.labels[rows]


def _curve(run: Context, model: Any, images: np.ndarray, labels: np.ndarray, threat: ThreatModel,
           suite: tuple[AttackSpec, ...] | list[AttackSpec], work: Path, title: str, digest: str,
           among: Sequence[np.ndarray] | None = None, shipped: Model | None = None) -> list[RobustAccuracy]:
    """Return the results at each size, smallest first."""
    with run.stage(title) as hooks:
        return robust_curve(model, images, labels, suite, threat.sizes, norm=threat.norm, seed=run.settings.seed,
                            batch_size=_batch(images), among=among, shipped=shipped, folder=work, model_key=digest,
                            hooks=hooks)


def _as_json(found: list[RobustAccuracy]) -> list[dict[str, Any]]:
    return [{"eps_255": 255 * result.eps, **result.as_json()} for result in found]


def _batch(images: np.ndarray) -> int:
    """Return how many images are attacked at once: many small ones, as steps then cost more than images."""
    return int(np.clip(BATCH_VALUES // images[0].size, 128, 512))


def _file(run: Context, path: Path, digest: str, images: np.ndarray, labels: np.ndarray, threat: ThreatModel,
          suite: list[AttackSpec], network: list[RobustAccuracy], work: Path, title: str) -> dict[str, Any]:
    """Return what Square, which needs predictions only, leaves of a file as ONNX Runtime executes it.

    It gets the images that withstood all attacks on the network; `network`: those, smallest size first.
    """
    found = _curve(run, batched_predict(path, images, torch.get_num_threads()), images, labels, threat, suite,
                   work / f"file-{digest[:16]}", f"{title}, {path.name} in ONNX Runtime", digest,
                   [result.robust for result in network])
    return {"file": path.name, "sha256": digest, "results": _as_json(found)}


def _corruptions(run: Context, model: Any, images: np.ndarray, labels: np.ndarray, work: Path,
                 title: str) -> dict[str, Any]:
    channels, *sides = run.dataset.shape
    if channels not in (1, 3) or min(sides) < SMALLEST_SIDE:
        return {"mean": None, "reason": f"the corruptions are defined for grey and RGB images of at least "
                                        f"{SMALLEST_SIDE} pixels"}
    with run.stage(f"{title}, corruptions") as hooks:
        return corruption_accuracy(model, images, labels, seed=run.settings.seed, folder=work, hooks=hooks).as_json()


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"onnx={path} cannot be read ({error.strerror}); name an ONNX file.") from error
