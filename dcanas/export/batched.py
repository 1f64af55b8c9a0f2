"""Batched predictions of a file for one image: small networks take less time than the call that runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from dcanas.basics.errors import UserError
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
    alone = open_session(path)
    shape, name = alone.get_inputs()[0].shape, alone.get_inputs()[0].name
    wanted = onnx_predict(alone, images[:PROBED])

    def one_by_one(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return onnx_predict(alone, images, threads)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "batched.onnx"
        onnx.save(batched(onnx.load(str(path))), str(file))
        try:
            together = open_session(file, threads)
        except UserError:  # the nodes insist on one image
            return one_by_one

    def all_at_once(images: NDArray[np.float32]) -> NDArray[np.float32]:
        check_images(images, shape)
        return together.run(None, {name: np.ascontiguousarray(images, dtype=np.float32)})[0]

    try:
        found = all_at_once(images[:PROBED])
    except Exception:  # the runtime's exceptions share no base class
        return one_by_one
    same = found.shape == wanted.shape and relative_errors(wanted, found).max() <= RELATIVE
    return all_at_once if same else one_by_one


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
