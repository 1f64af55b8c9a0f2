"""Export: the trained network as one ONNX file, compared with torch and tested once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from dcanas.basics.files import sha256_of
from dcanas.basics.manifest import write_result
from dcanas.export import (
    as_floats,
    check_parity,
    export_onnx,
    onnx_predict,
    open_session,
    peak_live_bytes,
    stored_weight_bytes,
)
from dcanas.hardware import Device
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import own_images, trained_model
from dcanas.report.kinds import read_result
from dcanas.training import Dataset, summarise

PARITY_IMAGES = 256


def export(run: Context) -> dict[str, dict[str, Any]]:
    """Return `export.json` by device, of the network exported now or before."""
    return {device.name: export_network(run, device, run.device_folder(device), f"Export for {device.name}")
            for device in run.devices}


def export_network(run: Context, device: Device, folder: Path, title: str) -> dict[str, Any]:
    """Return `export.json` of the trained network in `folder`, exported now or before.

    Args:
        device: whose runtime decides the versions of opset and IR.
        title: of the stage, for display.
    """
    done = folder / "export.json"
    if before := run.made_before(done, title):
        return before
    dataset = own_images(run, folder)
    derived = read_result(folder / "architecture.json")
    model = trained_model(run, folder)
    with run.hooks.stage(title):
        path = export_onnx(model, folder / "model.onnx", dataset.shape, device.runtime.opset, device.runtime.ir_version,
                           {"architecture": derived["architecture"], "space": derived["space"],
                            "classes": json.dumps(list(dataset.classes)),
                            "preprocessing": json.dumps(dataset.preprocessing)}, blocks=True)
        value = {**examined(model, path, device, dataset), "weight_bytes": stored_weight_bytes(path),
                 "peak_bytes": peak_live_bytes(path), "weights_sha256": sha256_of(folder / "weights.pt")}
    write_result(run.folder, done, value, "export", [path])
    return value


def examined(model: nn.Module, path: Path, device: Device, dataset: Dataset) -> dict[str, Any]:
    """Return hash, size and versions of an ONNX file, its agreement with torch, and its accuracy on the test images.

    Args:
        model: the network that was exported, in evaluation mode on the CPU.
    """
    parity = check_parity(model, path, dataset.images[dataset.test[:PARITY_IMAGES]])
    test = summarise(dataset.labels[dataset.test], predicted_classes(path, dataset, dataset.test), dataset.classes)
    copies = {}
    if len(dataset.copies):  # beside the accuracy, never in it
        right = test["correct"] + int((predicted_classes(path, dataset, dataset.copies)
                                       == dataset.labels[dataset.copies]).sum())
        copies["test_with_copies"] = {"correct": right, "n": test["n"] + len(dataset.copies)}
    return {"onnx": path.name, "sha256": sha256_of(path),
            "bytes": path.stat().st_size, "opset": device.runtime.opset, "ir_version": device.runtime.ir_version,
            "parity": parity, "test_accuracy": test["accuracy"], "test_accuracy_interval": test["accuracy_interval"],
            "test_correct": test["correct"], "test_n": test["n"], "test_balanced_accuracy": test["balanced_accuracy"],
            "test_largest_class": largest_share(test["confusion"]), **copies}


def largest_share(confusion: Sequence[Sequence[int]]) -> float:
    """Return the share of the largest class among the images of a confusion matrix."""
    counts = [sum(row) for row in confusion]
    return max(counts) / sum(counts)


def predicted_classes(path: Path, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """Return the class that an ONNX file predicts for each image. Shape: (n,) -> int64 (n,)."""
    session = open_session(path)
    return np.concatenate([onnx_predict(session, as_floats(dataset.images[indices[i:i + PARITY_IMAGES]])).argmax(axis=1)
                           for i in range(0, len(indices), PARITY_IMAGES)])
