"""Whether the exported file computes what the network computes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.export.runtime import onnx_predict

if TYPE_CHECKING:
    import torch


def check_parity(network: torch.nn.Module, path: Path | str, images: NDArray[Any]) -> dict[str, Any]:
    """Return how well the file at `path` reproduces the network on these images.

    Shape: images (N, C, H, W), uint8 or float in [0, 1].
    Returns `n`, `top1_agreement` (share of equal answers), `max_relative_logit_error` and its median over
    images (per image: largest difference of a logit / largest logit of the network), `onnxruntime`. An
    absolute tolerance would fail correct files with large logits.
    Raises `UserError` if logits are not finite.
    """
    import torch

    scaled = as_floats(images)
    twin = copy.deepcopy(network).cpu().eval()
    with torch.inference_mode():
        expected = np.concatenate([twin(torch.from_numpy(scaled[i:i + 256])).numpy()
                                   for i in range(0, len(scaled), 256)])
    found = onnx_predict(path, scaled)
    for source, logits in (("network", expected), ("exported file", found)):
        bad = int((~np.isfinite(logits)).any(axis=1).sum())
        if bad:
            raise UserError(f"The {source} gives logits that are not finite for {bad} of {len(logits)} "
                            "images; train it again with a smaller learning rate.")
    errors = relative_errors(expected, found)
    return {
        "n": len(scaled),
        "top1_agreement": float((expected.argmax(axis=1) == found.argmax(axis=1)).mean()),
        "max_relative_logit_error": float(errors.max()),
        "median_relative_logit_error": float(np.median(errors)),
        "onnxruntime": onnxruntime.__version__,
    }


def relative_errors(expected: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
    """Return per image the largest difference of a logit / the largest expected logit. Shape: (N, classes) -> (N,)."""
    size = np.maximum(np.abs(expected).max(axis=1), np.finfo(np.float32).tiny)
    return np.abs(expected - found).max(axis=1) / size


def as_floats(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as float32 in [0, 1]; uint8 is divided by 255, floats must be in range already."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    if images.size and not (images.min() >= 0 and images.max() <= 1):
        raise UserError(f"Images given as floats must lie in [0, 1], got {images.min():.4g} to "
                        f"{images.max():.4g}.")
    return images.astype(np.float32)
