"""Results of an evaluation, image by image, stored so that it can be resumed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of

_UNKNOWN, _STANDS, _FELL = "?", "1", "0"


class Records:
    """Results of an evaluation: per attack or corruption one letter per image, in a JSON file.

    Args:
        folder: of the file; None: in memory only.
        count: number of images.
        key: of what is evaluated (`evaluation_key`); results stored under it are read.
        name: of the file.

    Raises:
        UserError: the file belongs to another key.
    """

    def __init__(self, folder: Path | None, count: int, key: str, name: str = "attacks"):
        self.path = None if folder is None else Path(folder) / f"{name}.json"
        self.count, self._key = count, key
        self._letters: dict[str, np.ndarray] = {}
        if self.path is None or not self.path.is_file():
            return
        content = read_json(self.path)
        if not isinstance(content, dict) or content.get("key") != key:
            raise UserError(f"{self.path} belongs to another model, other images or other attacks; choose another "
                            "folder or delete that file.")
        self._letters = {name: np.array(list(text)) for name, text in content["attacks"].items()}

    def known(self, name: str, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return those of the image numbers `rows` (n,) that are done, and which of them were misclassified (bool)."""
        letters = self._of(name)[rows.numpy()]
        done = letters != _UNKNOWN
        return rows[torch.from_numpy(done)], torch.from_numpy(letters[done] == _FELL)

    def add(self, name: str, rows: Tensor, fell: Tensor) -> None:
        """Store a batch: image numbers `rows` (n,) and which of them were misclassified (n,)."""
        self._of(name)[rows.numpy()] = np.where(fell.numpy(), _FELL, _STANDS)
        if self.path is not None:
            write_json(self.path, {"key": self._key,
                                   "attacks": {name: "".join(letters) for name, letters in self._letters.items()}})

    def _of(self, name: str) -> np.ndarray:
        return self._letters.setdefault(name, np.full(self.count, _UNKNOWN))


def evaluation_key(model: Any, model_key: str | None, images: Tensor, labels: Tensor, *settings: Any) -> str:
    """Return a hash of the model, the images, their labels and further settings.

    Args:
        model_key: identifies a model that is a plain function.
        images: (N, C, H, W).
        labels: (N,).

    Raises:
        UserError: the model is a plain function and has no key.
    """
    if model_key is None and not isinstance(model, nn.Module):
        raise UserError("An evaluation of a plain function can be kept in a folder only if model_key names the model.")
    own = model_key or key_of(repr(model), [[name, _digest(value.detach())]
                                            for name, value in model.state_dict().items()])
    return key_of(own, _digest(images), _digest(labels), *settings)


def _digest(tensor: Tensor) -> str:
    array = np.ascontiguousarray(tensor.cpu().numpy())
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()
