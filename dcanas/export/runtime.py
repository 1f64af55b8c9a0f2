"""ONNX Runtime sessions with everything about their execution said aloud."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dcanas.basics.errors import UserError


def open_session(path: Path | str, threads: int = 1,
                 provider: str = "CPUExecutionProvider") -> onnxruntime.InferenceSession:
    """Return a session with `threads` threads inside an operator and one operator at a time.

    Raises `UserError` with the runtime's reason where the file or the provider cannot be used: a provider
    that is missing is never replaced by another.
    """
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise UserError(f"This onnxruntime {onnxruntime.__version__} has no {provider}; it offers "
                        f"{', '.join(available)}: change the device's provider or install its package.")
    if not Path(path).is_file():
        raise UserError(f"There is no ONNX file at {path}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.log_severity_level = 4  # what goes wrong comes as an exception
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # the runtime's exceptions share no base class
        raise UserError(f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: "
                        f"{_reason(error)}.") from error
    if session.get_providers()[0] != provider:
        raise UserError(f"ONNX Runtime could not start {provider} for {path} and would have fallen back to "
                        f"{session.get_providers()[0]}; check the provider's installation.")
    return session


def onnx_predict(model: Path | str | onnxruntime.InferenceSession,
                 images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits of each image, run one at a time as on the device.

    Shape: images float32 (N, C, H, W) in [0, 1] -> (N, num_classes).
    Raises `UserError` for images of another size.
    """
    session = model if isinstance(model, onnxruntime.InferenceSession) else open_session(model)
    entry = session.get_inputs()[0]
    if images.ndim != 4 or list(images.shape[1:]) != list(entry.shape[1:]):
        raise UserError(f"The network takes images of shape {tuple(entry.shape[1:])} (C, H, W), got "
                        f"{tuple(images.shape[1:])}.")
    if not len(images):
        raise UserError("There are no images to run the network on.")
    rows = [session.run(None, {entry.name: np.ascontiguousarray(image[None], dtype=np.float32)})[0]
            for image in images]
    return np.concatenate(rows)


def _reason(error: Exception) -> str:
    """Return the first line of the runtime's message without its codes and places in its source."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    text = text.rpartition(" : ")[2].rpartition(" failed:")[2]
    return re.sub(r"^/\S+:\d+ .*?\) (?=[A-Z])", "", text).rstrip(". ")
