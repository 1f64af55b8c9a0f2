"""What a trained network gets right."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from dcanas.basics.statistics import wilson_interval
from dcanas.training.data import Dataset


def predict(network: nn.Module, dataset: Dataset, indices: np.ndarray, batch_size: int = 256,
            device: str | torch.device = "cpu") -> np.ndarray:
    """Return a network's logits (n, classes), float32, in evaluation mode and without augmentation.

    Args:
        network: takes floats (N, C, H, W) in [0, 1].
        indices: numbers of the images in `dataset` (n,).
        batch_size: images per forward pass.
    """
    device = torch.device(device)
    mode = network.training
    network.to(device).eval()
    try:
        with torch.inference_mode():
            return np.concatenate([
                network(torch.from_numpy(dataset.images[indices[i:i + batch_size]]).to(device).float() / 255)
                .float().cpu().numpy() for i in range(0, len(indices), batch_size)])
    finally:
        network.train(mode)


def summarise(labels: np.ndarray, predictions: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """Return accuracy with its 95 % interval, balanced accuracy, recall per class and the confusion matrix.

    Args:
        labels: true class indices (n,).
        predictions: predicted class indices (n,).
        classes: names, in the order of the indices.

    Returns:
        JSON types; all shares from 0 to 1. `confusion[true][predicted]` counts images. A class without images has
        recall None and does not enter the balanced accuracy.
    """
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    right, count = np.diagonal(confusion), confusion.sum(axis=1)
    recall = [int(r) / int(n) if n else None for r, n in zip(right, count, strict=True)]
    known = [r for r in recall if r is not None]
    return {
        "n": len(labels),
        "correct": int(right.sum()),
        "accuracy": int(right.sum()) / len(labels),
        "accuracy_interval": list(wilson_interval(int(right.sum()) / len(labels), len(labels))),
        "balanced_accuracy": sum(known) / len(known),
        "per_class_recall": dict(zip(classes, recall, strict=True)),
        "confusion": confusion.tolist(),
    }
