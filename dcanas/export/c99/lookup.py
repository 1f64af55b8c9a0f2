"""The beginning of a network as one table per channel: what becomes of a byte of the image."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from dcanas.export.c99.values import Values

_OPERATIONS = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}


def table_of(values: Values, end: onnx.NodeProto, image: str) -> NDArray[np.int8] | None:
    """Return what the QuantizeLinear `end` makes of the bytes 0 to 255; None if it does not depend on the image alone,
    value by value.

    Shape: int8 (channels, 256).
    """
    channels = values.shapes[image][1]
    chain: list[onnx.NodeProto] = []
    name = end.input[0]
    while name != image:
        node = values.producers.get(name)
        if node is None or node.op_type not in _OPERATIONS:
            return None
        chain.append(node)
        changing = [part for part in node.input if values.constant(part) is None]
        if len(changing) != 1 or values.shapes[name] != values.shapes[image]:
            return None
        name = changing[0]
    bytes_ = np.arange(256, dtype=np.uint8).astype(np.float32) / np.float32(255)
    floats = np.tile(bytes_, (channels, 1))[None, :, :, None]
    for node in reversed(chain):
        floats = _OPERATIONS[node.op_type](*(_constant_or(values, part, floats) for part in node.input))
    scale, zero = values.numbers(end)
    found = np.clip(np.rint(floats / scale).astype(np.int64) + zero, -128, 127).astype(np.int8)
    return np.ascontiguousarray(np.broadcast_to(found, (1, channels, 256, 1))[0, :, :, 0])


def _constant_or(values: Values, name: str, floats: NDArray[np.float32]) -> NDArray[np.float32]:
    constant = values.constant(name)
    return floats if constant is None else constant
