"""What the ONNX standard's own interpreter says about a quantised file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun


class Pad(OpRun):
    """Pad with negative numbers, which cut off; the interpreter's own knows none."""

    op_domain = ""

    def _run(self, data, pads, constant_value=None, axes=None, mode=None):
        (front, top, left), (back, bottom, right) = pads[1:4], pads[5:8]
        made = np.pad(data, ((0, 0), (front, back), (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))))
        return (made[:, :, max(-top, 0):made.shape[2] - max(-bottom, 0), max(-left, 0):made.shape[3] - max(-right, 0)],)


def reference_bytes(path: Path | str, images: np.ndarray) -> np.ndarray:
    """Return the logits' bytes: the output of the last QuantizeLinear. Shape: uint8 (N, C, H, W) -> int8 (N, classes).
    """
    model = onnx.load(str(path))
    quantised = model.graph.node[-1].input[0]
    shape = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    model.graph.ClearField("output")
    model.graph.output.append(onnx.helper.make_tensor_value_info(quantised, onnx.TensorProto.INT8, shape))
    opset = next(entry for entry in model.opset_import if entry.domain == "")
    opset.version = max(opset.version, 19)  # the interpreter refuses scales per channel before
    evaluator = ReferenceEvaluator(model, new_ops=[Pad])
    name = model.graph.input[0].name
    return np.concatenate([evaluator.run(None, {name: image[None].astype(np.float32) / np.float32(255)})[0]
                           for image in images]).reshape(len(images), -1)
