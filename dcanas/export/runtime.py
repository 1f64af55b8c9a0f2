"""ONNX Runtime sessions whose execution is fully specified."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.export import worker


def open_session(path: Path | str, threads: int = 1,
                 provider: str = "CPUExecutionProvider") -> onnxruntime.InferenceSession:
    """Return a session with `threads` threads inside an operator and one operator at a time.

    Raises `UserError` with the runtime's reason if the file or the provider cannot be used: a provider
    that is missing is never replaced by another.
    """
    try:
        return worker.open_session(path, threads, provider)
    except worker.WorkerError as error:
        raise UserError(str(error)) from error


def onnx_predict(model: Path | str | onnxruntime.InferenceSession, images: NDArray[np.float32],
                 threads: int = 1) -> NDArray[np.float32]:
    """Return the logits of each image, each run by itself as on the device.

    threads: that share the images out among them; what each image gives does not depend on it.
    Shape: images float32 (N, C, H, W) in [0, 1] -> (N, num_classes).
    Raises `UserError` for images of another size.
    """
    session = model if isinstance(model, onnxruntime.InferenceSession) else open_session(model)
    entry = session.get_inputs()[0]
    check_images(images, entry.shape)
    if threads > 1:
        parts = np.array_split(images, min(threads, len(images)))
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(partial(onnx_predict, session), parts)))
    return np.concatenate([session.run(None, {entry.name: np.ascontiguousarray(image[None], dtype=np.float32)})[0]
                           for image in images])


def check_images(images: NDArray[np.float32], shape: Sequence[int]) -> None:
    """Raise `UserError` if there are no images, or images of another size. shape: (1, C, H, W) of the network."""
    if images.ndim != 4 or list(images.shape[1:]) != list(shape[1:]):
        raise UserError(f"The network takes images of shape {tuple(shape[1:])} (C, H, W), got "
                        f"{tuple(images.shape[1:])}.")
    if not len(images):
        raise UserError("There are no images to run the network on.")
