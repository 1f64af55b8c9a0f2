"""Images of any number, decoded when they are asked for: memory holds their names and the batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.export.infer import InputError, load_image


class FileImages:
    """Image files as an array: `images[indices]` is uint8 (n, C, H, W), decoded by threads, always the same.

    `images[indices]` raises `UserError` naming the first file that cannot be read.

    Args:
        paths: one file or more.
        preprocessing: see `dcanas.training.data.preprocessing`.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, paths: Sequence[Path | str], preprocessing: dict[str, Any]):
        names = [os.fspath(path) for path in paths]
        self.root = os.path.commonpath([min(names), max(names)]) if len(set(names)) > 1 else str(Path(names[0]).parent)
        self._names = np.array([os.fsencode(os.path.relpath(name, self.root)) for name in names])  # 50 bytes each
        self.preprocessing = preprocessing
        self.shape = (len(names), preprocessing["channels"], *preprocessing["size"])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Any) -> np.ndarray:
        names = self._names[indices]
        if names.ndim == 0:
            return self._load(np.asarray(names).item())
        images = np.empty((len(names), *self.shape[1:]), np.uint8)
        for i, image in enumerate(self._pool.map(self._load, names)):
            images[i] = image
        return images

    def fingerprint(self, indices: np.ndarray) -> str:
        """Return a hash of relative paths and file sizes; an edit that keeps the size goes unnoticed.

        Hashing pixels would require decoding every image.
        """
        digest = hashlib.sha256(b"files")
        for name in self._names[indices]:
            digest.update(b"%s\0%d\0" % (name, self._path(name).stat().st_size))
        return digest.hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: all but the threads of this one."""
        return {name: value for name, value in vars(self).items() if name != "_pool"}

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Pillow decodes outside the interpreter's lock."""
        return ThreadPoolExecutor(thread_name_prefix="decode")

    def _path(self, name: bytes) -> Path:
        return Path(self.root, os.fsdecode(name))

    def _load(self, name: bytes) -> np.ndarray:
        try:
            return load_image(self._path(name), self.preprocessing)
        except InputError as error:
            raise UserError(f"{str(error).rstrip('.')}; repair or remove it.") from error
