"""Fine-tuning for int8: where rounding a trained network costs validation accuracy, it learns to live with it.

Only on devices that run int8, and only if the file loses more than half a point; what does not help is left out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from torch import nn

from dcanas.basics.checkpoints import save_weights
from dcanas.basics.keys import derive_seed
from dcanas.export import export_onnx, quantize_onnx
from dcanas.hardware import Device
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import FILES, INT8_WEIGHTS, trained_model
from dcanas.pipeline.export import predicted_classes
from dcanas.pipeline.train import recipe_for
from dcanas.report.kinds import read_result
from dcanas.search.adversarial import adversarial_attack
from dcanas.training import Dataset
from dcanas.training import train as fit_network
from dcanas.training.int8_aware import fine_tuning, rounded_as_int8

MOST_LOST = 0.005  # of the validation accuracy, which is left as it is


def tuned_for_int8(run: Context, device: Device, folder: Path, dataset: Dataset, shown: np.ndarray,
                   weight_bits: int) -> tuple[nn.Module, dict[str, Any]] | None:
    """Fine-tune the network of a folder while it rounds as its int8 file does, and keep that file if it is better.

    Args:
        dataset: with images of the network's size.
        shown: numbers of the images for calibration, (n,).
        weight_bits: see `quantize_onnx`.

    Returns the network behind the int8 file and what the certificate says of it; None if little was lost. Weights of a
    network that was kept lie in `weights.int8.pt`.
    """
    whole_right, first = (_right(folder / FILES[name], dataset) for name in ("fp32", "int8"))
    if whole_right - first <= MOST_LOST * len(dataset.validation):
        return None
    before, model = trained_model(run, folder), trained_model(run, folder)
    recipe = fine_tuning(recipe_for(run, read_result(folder / "architecture.json")))
    with rounded_as_int8(model, weight_bits):
        fit_network(model, dataset, dataset.fit_indices, recipe, derive_seed(run.settings.seed, "int8"),
                    folder=folder / "training-int8", hooks=run.hooks, device=run.compute,
                    attack=adversarial_attack(recipe))
    model.cpu().eval()
    with tempfile.TemporaryDirectory() as place:
        stored = {entry.key: entry.value for entry in onnx.load(folder / FILES["fp32"]).metadata_props}
        whole = export_onnx(model, Path(place) / "tuned.onnx", dataset.shape, device.runtime.opset,
                            device.runtime.ir_version, stored, blocks=True)
        file = quantize_onnx(whole, Path(place) / "tuned.int8.onnx", dataset.images[shown], weight_bits)
        after = _right(file, dataset)
        kept = after > first
        if kept:
            (folder / FILES["int8"]).write_bytes(file.read_bytes())
            save_weights(folder / INT8_WEIGHTS, model.state_dict())
    return (model if kept else before), {"epochs": recipe.epochs, "validation_correct": [first, after], "kept": kept}


def _right(path: Path, dataset: Dataset) -> int:
    """Return how many validation images a file names rightly."""
    return int((predicted_classes(path, dataset, dataset.validation) == dataset.labels[dataset.validation]).sum())
