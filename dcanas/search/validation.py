"""Accuracy and loss on the validation split, which no search has seen."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from dcanas.export.classifier import Classifier
from dcanas.training import Dataset, predict


def validate(model: Classifier, dataset: Dataset, device: str | torch.device = "cpu") -> dict[str, float]:
    """Return `validation_accuracy` (0 to 1) and `validation_loss` (mean cross-entropy) of a network."""
    return validate_each(model, dataset, device)[0]


def validate_each(model: Classifier, dataset: Dataset,
                  device: str | torch.device = "cpu") -> tuple[dict[str, float], NDArray[np.bool_]]:
    """Return what `validate` does, and for each validation image whether it is classified correctly, (N,)."""
    logits = torch.from_numpy(predict(model, dataset, dataset.validation, device=device))
    labels = torch.from_numpy(dataset.labels[dataset.validation])
    right = logits.argmax(1) == labels
    return {"validation_accuracy": float(right.float().mean()),
            "validation_loss": float(F.cross_entropy(logits, labels))}, right.numpy()
