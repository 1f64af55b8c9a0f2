"""Fine-tuning for int8 in a run: what is kept is what the certificate is about."""

from __future__ import annotations

import json

import pytest
import torch

from dcanas.basics.checkpoints import load_weights
from dcanas.pipeline import int8_tuning
from dcanas.pipeline.configure import composed, configured
from dcanas.pipeline.context import Context
from dcanas.pipeline.delivered import delivered_model
from dcanas.pipeline.export import predicted_classes
from dcanas.pipeline.quantise import quantise
from dcanas.pipeline.run import run_until


@pytest.mark.slow
def test_the_better_file_is_kept_and_examined(tmp_path, monkeypatch):
    """Tuned whatever was lost: the file that names more validation images rightly is the one that lies there."""
    stated = {"run.dir": str(tmp_path / "run"), "run.threads": 1, "device": ["nano33ble"], "search.epochs": 1,
              "search.finalist_epochs": 0, "train.epochs": 2}
    run = Context(*configured(*composed({"data": "digits"}, stated)), "dcanas run")
    run_until(run, "export")
    monkeypatch.setattr(int8_tuning, "MOST_LOST", -1.0)
    precision = quantise(run)["nano33ble"]["precision"]
    before, after = precision["fine_tuned"]["validation_correct"]
    assert precision["fine_tuned"]["kept"] == (after > before)
    folder, dataset = run.device_folder(run.devices[0]), run.dataset
    assert (folder / "weights.int8.pt").exists() == (after > before)
    right = (predicted_classes(folder / "model.int8.onnx", dataset, dataset.validation)
             == dataset.labels[dataset.validation]).sum()
    assert precision["int8"]["validation_correct"] == right == max(before, after)
    assert precision["fine_tuned"]["epochs"] == 2  # no more than the training itself had
    delivered = delivered_model(folder, dataset.shape[0], len(dataset.classes)).state_dict()
    stored = load_weights(folder / ("weights.int8.pt" if after > before else "weights.pt"))
    assert all(torch.equal(value, stored[name]) for name, value in delivered.items())  # what is attacked and shipped
    found = json.loads((folder / "int8.json").read_text())
    assert found["parity"]["top1_agreement"] > 0.9  # with the network behind the file that was kept
