"""What the names of a quantised ONNX file stand for: constants, shapes, scales, and who makes what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from dcanas.basics.errors import UserError


@dataclass(frozen=True)
class Values:
    """The constants, shapes and producers of a graph, by name."""

    constants: dict[str, NDArray[Any]]
    shapes: dict[str, tuple[int, ...]]
    producers: dict[str, onnx.NodeProto]
    source: str  # how messages call the file

    @classmethod
    def of(cls, model: onnx.ModelProto, source: str) -> Values:
        """Return those of a model, which must have fixed sizes."""
        graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
        shapes = {value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
                  for value in (*graph.input, *graph.value_info, *graph.output)}
        return cls({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}, shapes,
                   {name: node for node in graph.node for name in node.output}, source)

    def refuse(self, node: onnx.NodeProto, what: str) -> UserError:
        """Return the error that says why a node cannot become C."""
        name = f" {node.name}" if node.name else ""
        return UserError(f"{self.source} holds {node.op_type}{name} {what}, which the C generator does not know; "
                         "choose another space or another runtime.name for the device.")

    def producer(self, name: str, reader: onnx.NodeProto) -> onnx.NodeProto:
        """Return the node that makes a value; `reader` is who asks, for the message."""
        if name not in self.producers:
            raise self.refuse(reader, f"of a constant or of the input ({name})")
        return self.producers[name]

    def constant(self, name: str) -> NDArray[Any] | None:
        """Return a constant, dequantised if it is stored quantised; None for what depends on the image."""
        if name in self.constants:
            return self.constants[name]
        node = self.producers.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self.constants:
            return None
        values, scale, zero = self.quantised(name, node)
        return (values.astype(np.float32) - zero.astype(np.float32)) * scale

    def quantised(self, name: str, reader: onnx.NodeProto) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return integers, scale and zero point of a quantised constant, both shaped to go with the integers."""
        node = self.producers.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self.constants:
            raise self.refuse(reader, "with weights that are not quantised")
        values = self.constants[node.input[0]]
        scale, zero = self.constants[node.input[1]], np.zeros((), values.dtype)
        if len(node.input) > 2 and node.input[2]:
            zero = self.constants[node.input[2]]
        axis = attributes(node).get("axis", 1)
        shape = [1] * values.ndim
        if scale.size > 1:
            shape[axis] = scale.size
        return values, scale.reshape(shape), (zero.reshape(shape) if zero.size == scale.size else zero)

    def numbers(self, node: onnx.NodeProto) -> tuple[np.float32, int]:
        """Return scale and zero point of a QuantizeLinear or DequantizeLinear of activations."""
        scale = self.constants.get(node.input[1])
        zero = self.constants.get(node.input[2]) if len(node.input) > 2 else None
        if scale is None or zero is None or scale.size != 1 or scale.dtype != np.float32:
            raise self.refuse(node, "whose scale is not one constant float32")
        if zero.dtype != np.int8:
            raise self.refuse(node, f"to {zero.dtype} instead of int8")
        return np.float32(scale.reshape(())), int(zero.reshape(()))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node by name."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
