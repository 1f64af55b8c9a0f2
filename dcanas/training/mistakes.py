"""The test images that a network got wrong most confidently, as small pictures for a reader."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from dcanas.export.infer import probabilities
from dcanas.training.data import Dataset

SHOWN = 12
SIDE = 64  # pixels, at most, of a picture


def worst_mistakes(dataset: Dataset, logits: np.ndarray) -> dict[str, Any]:
    """Return how many test images are wrong, and the most confident mistakes: classes, confidence, PNG file in base64.

    Args:
        logits: of the test split. Shape: (test images, classes).
    """
    shares = probabilities(logits)
    answers, labels = shares.argmax(axis=1), dataset.labels[dataset.test]
    confidence = shares.max(axis=1)
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:SHOWN]
    return {"wrong": len(wrong), "n": len(labels), "worst": [
        {"true": dataset.classes[labels[i]], "answer": dataset.classes[answers[i]], "confidence": float(confidence[i]),
         "png": _picture(dataset.images[dataset.test[[i]]][0])} for i in worst]}


def _picture(pixels: np.ndarray) -> str:
    """Return a PNG file in base64. Shape: uint8 (C, H, W) of one or three channels."""
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    image.thumbnail((SIDE, SIDE))
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode("ascii")
