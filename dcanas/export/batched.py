"""Batched predictions of a file for one image: small networks take less time than the call that runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from dcanas.export.parity import relative_errors
from dcanas.export.runtime import check_images, onnx_predict, open_session

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
PROBED = 8  # images on which both ways have to agree
RELATIVE = 1e-4  # of the largest logit: what another order of sums changes


def batched_predict(path: Path | str, images: NDArray[np.float32], threads: int = 1) -> Predict:
    """Return a function to the logits that `onnx_predict` gives image by image, for attacks that ask a million times.

    The file is opened for any number of images; if that fails, or gives other logits for the first of `images`, each
    image runs by itself.
    Shape: images, and of the function, float32 (N, C, H, W) in [0, 1] -> (N, num_classes).
    Raises `UserError` for a file or images that `onnx_predict` refuses.
    """
    wanted = onnx_predict(open_session(path), images[:PROBED])
    model = onnx.load(str(path))
    one_by_one = _Network(model.SerializeToString(), threads, together=False)
    all_at_once = _Network(batched(model).SerializeToString(), threads, together=True)
    try:
        found = all_at_once(images[:PROBED])
    except Exception:  # the nodes insist on one image; the runtime's exceptions share no base class
        return one_by_one
    same = found.shape == wanted.shape and relative_errors(wanted, found).max() <= RELATIVE
    return all_at_once if same else one_by_one


@dataclass
class _Network:
    """A file in memory as a function from images to logits, which can be sent to another process.

    Attributes:
        threads: of the runtime, or of images that run by themselves.
        together: whether all images of a call run at once.
    """

    file: bytes
    threads: int
    together: bool

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.together:
            return onnx_predict(self._session, images, self.threads)
        entry = self._session.get_inputs()[0]
        check_images(images, entry.shape)
        logits: NDArray[np.float32] = self._session.run(
            None, {entry.name: np.ascontiguousarray(images, dtype=np.float32)})[0]
        return logits

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_session"}

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            path.write_bytes(self.file)
            return open_session(path, self.threads if self.together else 1)


def batched(model: ModelProto) -> ModelProto:
    """Return the model for any number of images: the first size of inputs and outputs is free, shapes keep it."""
    made = ModelProto()
    made.CopyFrom(model)
    made.graph.ClearField("value_info")
    for entry in (*made.graph.input, *made.graph.output):
        entry.type.tensor_type.shape.dim[0].dim_param = "N"
    reshapes = [node for node in made.graph.node if node.op_type == "Reshape"]
    shapes = {node.input[1] for node in reshapes}
    for stored in made.graph.initializer:
        sizes = numpy_helper.to_array(stored)
        if stored.name in shapes and sizes[0] == 1:
            stored.CopyFrom(numpy_helper.from_array(np.concatenate([[0], sizes[1:]]), stored.name))  # 0: as it comes
    for node in reshapes:
        for attribute in node.attribute:
            if attribute.name == "allowzero":
                attribute.i = 0
    return made
