"""Robustness of the delivered network: attacks on the torch network, Square on its ONNX files, common corruptions.

Square sees predictions only, so it attacks the exported file in ONNX Runtime, which executes the delivered network.

On images of the test split, which decide nothing: the results are reported, and compared with `robust_accuracy_min`
as a measured latency is with its limit. The network has learnt from the images of the validation split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, sha256_of
from dcanas.basics.keys import key_of
from dcanas.basics.manifest import write_result
from dcanas.export import as_floats
from dcanas.export.batched import batched_predict
from dcanas.export.batchnorm_folding import folded
from dcanas.hardware import Device
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import FILES, ROBUSTNESS, delivered_file, delivered_model, own_images
from dcanas.robustness import RobustAccuracy, ThreatModel, corruption_accuracy, robust_curve
from dcanas.robustness.corruptions.apply import SMALLEST_SIDE
from dcanas.robustness.suite import AttackSpec
from dcanas.training import Dataset
from dcanas.training.splits import sample

Images = tuple[np.ndarray, np.ndarray]  # float32 (N, C, H, W) in [0, 1], labels (N,)
BATCH_VALUES = 128 * 3 * 32 * 32  # pixels times channels that are attacked at once, in a batch of 128 to 512 images


def robustness(run: Context) -> None:
    """Attack the network of every device for which robustness is wanted or limited."""
    for device in run.devices:
        network_robustness(run, device, run.device_folder(device), f"Attack the network for {device.name}")


def network_robustness(run: Context, device: Device, folder: Path, title: str) -> None:
    """Attack the delivered network in `folder` if robustness is wanted or limited."""
    limited = bool(run.book(device).qualities)
    if run.settings.robustness or limited:
        found = attack_network(run, folder, run.settings.threat, title, validation=limited)
        write_result(run.folder, folder / ROBUSTNESS, found, "robustness")


def attack_network(run: Context, folder: Path, threat: ThreatModel, title: str, validation: bool = False,
                   further: Path | None = None) -> dict[str, Any]:
    """Return the robustness of the network in `folder`, attacked now or before.

    Args:
        threat: attacks, sizes, norm and number of images.
        title: of the stages, for display.
        validation: whether images of the validation split are attacked too.
        further: one more ONNX file to attack.

    Raises:
        UserError: `further` cannot be read.
    """
    exported = folder / FILES["fp32"]
    others = [*sorted(set(folder.glob("*.onnx")) - {exported}), *([further] if further else [])]
    digests = {path.name: _digest(path) for path in (exported, *others)}
    key = key_of(threat, run.settings.seed, digests, run.dataset.test_key, validation)
    work = folder / "robustness" / key
    done = work / "robustness.json"
    if done.exists():
        before: dict[str, Any] = read_json(done)
        return before
    threads = run.engine.threads

    def curve(model: Any, images: Images, attacks: Sequence[AttackSpec], place: str, note: str, name: str,
              **more: Any) -> list[RobustAccuracy]:
        """Return the results at each size, smallest first."""
        batch = int(np.clip(BATCH_VALUES // images[0][0].size, 128, 512))
        with run.stage(f"{title}{note}") as hooks:
            return robust_curve(model, *images, attacks, threat.sizes, norm=threat.norm, seed=run.settings.seed,
                                batch_size=batch, folder=work / place, model_key=digests[name], engine=run.engine,
                                hooks=hooks, **more)

    suite = threat.suite(len(run.dataset.classes))
    dataset = own_images(run, folder)
    test, delivered = _images(run, dataset, dataset.test, threat), delivered_file(folder)["onnx"]
    value: dict[str, Any] = {"key": key, "split": "test", "n": len(test[1]), "norm": threat.norm,
                             "eps_255": sorted(set(threat.eps_255)), "seed": run.settings.seed,
                             "attacks": [asdict(spec) for spec in suite],
                             "delivered": delivered, "sha256": digests[delivered]}
    model = folded(delivered_model(folder, run.dataset.shape[0], len(run.dataset.classes))).to(run.compute)
    blind = [spec for spec in suite if not spec.needs_gradients]
    shipped = batched_predict(exported, test[0], threads) if blind else None
    network = curve(model, test, suite, "test", "", exported.name, shipped=shipped)
    value["results"] = _as_json(network)
    if validation:
        seen = _images(run, dataset, dataset.validation, threat)
        value["validation"] = _as_json(curve(model, seen, suite, "validation", ", validation images", exported.name,
                                             shipped=shipped))
    value["files"] = []
    for path in others if blind else ():  # Square gets the images that withstood all attacks on the network
        found = curve(batched_predict(path, test[0], threads), test, blind, f"file-{digests[path.name][:16]}",
                      f", {path.name} in ONNX Runtime", path.name, among=[result.robust for result in network])
        value["files"].append({"file": path.name, "sha256": digests[path.name], "results": _as_json(found)})
    value["corruptions"] = _corruptions(run, model, test, work, title)
    write_result(run.folder, done, value, "robustness")
    return value


def _images(run: Context, dataset: Dataset, rows: np.ndarray, threat: ThreatModel) -> Images:
    if threat.images is not None:
        size = int(np.prod(dataset.shape))
        rows = sample(dataset, rows, threat.images * size, run.settings.data.split_seed)
    return as_floats(dataset.images[rows]), dataset.labels[rows]


def _as_json(found: list[RobustAccuracy]) -> list[dict[str, Any]]:
    return [{"eps_255": 255 * result.eps, **result.as_json()} for result in found]


def _corruptions(run: Context, model: Any, images: Images, work: Path, title: str) -> dict[str, Any]:
    _, channels, *sides = images[0].shape
    if channels not in (1, 3) or min(sides) < SMALLEST_SIDE:
        return {"mean": None, "reason": f"the corruptions are defined for grey and RGB images of at least "
                                        f"{SMALLEST_SIDE} pixels"}
    with run.stage(f"{title}, corruptions") as hooks:
        return corruption_accuracy(model, *images, seed=run.settings.seed, folder=work, hooks=hooks).as_json()


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except UserError as error:
        raise UserError(f"onnx={error} Name an ONNX file.") from error
