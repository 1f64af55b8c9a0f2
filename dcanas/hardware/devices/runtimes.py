"""Runtimes of the user's own, in which ONNX files are measured on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.registry import Registry

Runs = Callable[[np.ndarray], Any]  # an image, float32 (1, C, H, W), to whatever the runtime answers

# A runtime opens an ONNX file with so many threads and returns the function that runs it once.
runtimes: Registry[Callable[[Path, int], Runs]] = Registry("runtime")
