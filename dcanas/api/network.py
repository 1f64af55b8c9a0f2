"""A delivered network: its certificate, its file, and what the file says of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.api.certificate import Certificate, typed_certificate
from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.export import as_floats, onnx_predict, open_session
from dcanas.export.infer import probabilities
from dcanas.training.array_input import as_pixels

CHUNK = 1024  # images as floats in memory at a time


class Network(ABC):
    """A delivered network. That of a run is a `Run`; of one of the gallery there is nothing else."""

    @property
    @abstractmethod
    def bundle(self) -> Path:
        """Folder of the ONNX file, its class names and how an image becomes its input."""

    @property
    @abstractmethod
    def onnx(self) -> Path:
        """The delivered file. Shape: float32 (1, C, H, W) in [0, 1] -> logits (1, classes)."""

    @property
    @abstractmethod
    def _content(self) -> Mapping[str, Any]:
        """Content of the certificate."""

    @cached_property
    def certificate(self) -> Certificate:
        """What was promised, predicted and measured."""
        return typed_certificate(self._content)

    @cached_property
    def classes(self) -> np.ndarray:
        """The classes in the order of the network's outputs: integers if such were given as labels, else text."""
        names = (self.bundle / "labels.txt").read_text(encoding="utf-8").splitlines()
        return np.array(names, dtype=np.int64 if self.certificate.content["data"].get("integer_labels") else np.str_)

    def predict(self, images: Any) -> np.ndarray:
        """Return the class of each image by the delivered file, one of `classes`.

        Args:
            images: uint8, or floats in [0, 1]; (N, H, W) or (N, H, W, C). Those of another size are cropped and
                resized as `infer.py` of the bundle does.

        Raises:
            UserError: the images are of another type, or the network takes colour images and these are grey.
        """
        return np.asarray(self.classes[self.predict_proba(images).argmax(axis=1)])

    def predict_proba(self, images: Any) -> np.ndarray:
        """Return the probability of each class for each image (see `predict`), float32 (N, classes)."""
        from dcanas.training.data import refit

        pixels, steps = as_pixels(images), read_json(self.bundle / "preprocessing.json")
        if pixels.shape[3] < steps["channels"]:
            raise UserError(f"The network takes colour images (N, H, W, {steps['channels']}), got the shape "
                            f"{np.shape(images)}.")
        inputs, session = refit(pixels.transpose(0, 3, 1, 2), steps), open_session(self.onnx)
        logits = np.concatenate([onnx_predict(session, as_floats(inputs[i:i + CHUNK]))
                                 for i in range(0, len(inputs), CHUNK)])
        return np.asarray(probabilities(logits))  # type: ignore[no-untyped-call]
