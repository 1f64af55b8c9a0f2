"""Accuracy and loss on the validation split, which no search has seen."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from dcanas.export.classifier import Classifier
from dcanas.training import Dataset, predict


def validate(model: Classifier, dataset: Dataset, device: str | torch.device = "cpu") -> dict[str, float]:
    """Return `validation_accuracy` (0 to 1) and `validation_loss` (mean cross-entropy) of a network."""
    logits = torch.from_numpy(predict(model, dataset, dataset.validation, device=device))
    labels = torch.from_numpy(dataset.labels[dataset.validation])
    return {"validation_accuracy": float((logits.argmax(1) == labels).float().mean()),
            "validation_loss": float(F.cross_entropy(logits, labels))}
