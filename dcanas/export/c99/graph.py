"""Reading an int8 ONNX file with QuantizeLinear and DequantizeLinear pairs: each pair of neighbours and what lies
between them becomes one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from dcanas.basics.errors import UserError
from dcanas.export.c99 import operators
from dcanas.export.c99.lookup import table_of
from dcanas.export.c99.steps import LEAST, MOST, Lookup, Program, Rescale, Step, Tensor
from dcanas.export.c99.values import Values

_VIEWS = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}


@dataclass(frozen=True)
class View:
    """A tensor and the shape under which the file speaks of it."""

    tensor: Tensor
    shape: tuple[int, ...]


def read_program(model: onnx.ModelProto, source: str = "The file") -> Program:
    """Return the steps of a quantised network.

    Args:
        model: int8 in the QDQ form, batch 1, one input (1, C, H, W), one output (1, classes).
        source: how error messages call the file.

    Raises `UserError` naming the first operator, or type of number, that cannot become C.
    """
    return _Reader(model, source).program()


class _Reader:
    """Walks the nodes in order; `views` holds what is known by name of quantised and dequantised values."""

    def __init__(self, model: onnx.ModelProto, source: str):
        self.model, self.values = model, Values.of(model, source)
        inputs = [value.name for value in model.graph.input if value.name not in self.values.constants]
        if len(inputs) != 1 or len(model.graph.output) != 1 or len(self.values.shapes[inputs[0]]) != 4:
            raise UserError(f"{source} must take one image (1, C, H, W) and give one output.")
        self.image = inputs[0]
        self.views: dict[str, View] = {}
        self.steps: list[Step] = []

    def program(self) -> Program:
        """Return the whole network."""
        for node in self.model.graph.node:
            if node.op_type == "QuantizeLinear":
                self.views[node.output[0]] = self._made(node)
            elif node.op_type == "DequantizeLinear" and node.input[0] in self.views:
                self.views[node.output[0]] = self._same_numbers(node)
        output = self.model.graph.output[0].name
        if output not in self.views:
            raise self.values.refuse(self.values.producers[output], "as the last node instead of DequantizeLinear")
        stored = {entry.key: entry.value for entry in self.model.metadata_props}
        return Program(self.values.shapes[self.image][1:], tuple(self.steps), self.views[output].tensor,  # type: ignore[arg-type]
                       stored)

    def _same_numbers(self, node: onnx.NodeProto) -> View:
        """Return what a DequantizeLinear reads; its scale must be that of the QuantizeLinear before."""
        view, (scale, zero) = self.views[node.input[0]], self.values.numbers(node)
        if (view.tensor.scale, view.tensor.zero) != (scale, zero):
            raise self.values.refuse(node, "with another scale than the QuantizeLinear before it")
        return view

    def _made(self, end: onnx.NodeProto) -> View:
        """Add the steps that end in this QuantizeLinear, and return what it makes."""
        scale, zero = self.values.numbers(end)
        shape = self.values.shapes[end.output[0]]
        table = table_of(self.values, end, self.image)
        if table is not None:
            made = Tensor(end.output[0], self._image_shape(end, shape), scale, zero)
            self.steps.append(Lookup(name=end.name, reads=(), makes=made, table=table))
            return View(made, shape)
        node, low, high = self._activation(end, scale, zero)
        if node.op_type == "DequantizeLinear":
            before = self.views.get(node.input[0])
            if before is None:
                raise self.values.refuse(end, "of a constant")
            return View(self._rescaled(end, before.tensor, scale, zero, low, high), shape)
        if node.op_type not in OPERATORS:
            raise self.values.refuse(node, "between QuantizeLinear and DequantizeLinear")
        step = OPERATORS[node.op_type](self.values, node, self._read(node), end.output[0], scale, zero)
        if step.moves:
            self.steps.append(step)
            return View(self._rescaled(end, step.makes, scale, zero, low, high), shape)
        self.steps.append(replace(step, low=low, high=high))
        return View(step.makes, shape)

    def _rescaled(self, end: onnx.NodeProto, before: Tensor, scale: np.float32, zero: int, low: int,
                  high: int) -> Tensor:
        made = Tensor(end.output[0], before.shape, scale, zero)
        if before.same_numbers(made) and (low, high) == (LEAST, MOST):
            return before
        self.steps.append(Rescale(name=end.name, reads=(before,), makes=made, low=low, high=high))
        return made

    def _activation(self, end: onnx.NodeProto, scale: np.float32, zero: int) -> tuple[onnx.NodeProto, int, int]:
        """Return the operation before a QuantizeLinear, and the bounds that ReLU and Clip set to its bytes."""
        low, high = LEAST, MOST
        node = self.values.producer(end.input[0], end)
        while node.op_type in {"Relu", "Clip", *_VIEWS}:
            if node.op_type == "Relu":
                low = max(low, _byte(0.0, scale, zero))
            elif node.op_type == "Clip":
                bounds = [self.values.constant(name) if name else None for name in (*node.input[1:], "", "")][:2]
                low = max(low, LEAST if bounds[0] is None else _byte(float(bounds[0]), scale, zero))
                high = min(high, MOST if bounds[1] is None else _byte(float(bounds[1]), scale, zero))
            node = self.values.producer(node.input[0], node)
        return node, low, max(low, high)

    def _read(self, node: onnx.NodeProto) -> list[View]:
        """Return the quantised inputs of an operation, in order; constants are left out."""
        found = []
        for name in node.input:
            if name in self.views:
                found.append(self.views[name])
            elif name and self.values.constant(name) is None:
                before = self.values.producer(name, node)
                view = self._view(before)
                if view is None:
                    raise self.values.refuse(before, f"whose result goes to {node.op_type} without being quantised")
                found.append(view)
        return found

    def _view(self, node: onnx.NodeProto) -> View | None:
        """Return what a chain of reshapes makes of a dequantised value; None for anything else."""
        shape = self.values.shapes[node.output[0]]
        while node.op_type in _VIEWS:
            if node.input[0] in self.views:
                return View(self.views[node.input[0]].tensor, shape)
            node = self.values.producer(node.input[0], node)
        return None

    def _image_shape(self, node: onnx.NodeProto, shape: tuple[int, ...]) -> tuple[int, int, int]:
        if len(shape) != 4:
            raise self.values.refuse(node, f"of shape {shape}")
        return shape[1], shape[2], shape[3]


def _byte(value: float, scale: np.float32, zero: int) -> int:
    return int(np.clip(np.rint(np.float32(value) / scale).astype(np.int64) + zero, LEAST, MOST))


Make = Callable[[Values, onnx.NodeProto, list[Any], str, np.float32, int], Step]
OPERATORS: dict[str, Make] = {
    "Add": operators.addition,
    "AveragePool": operators.average_pool,
    "BatchNormalization": operators.normalisation,
    "Concat": operators.concatenation,
    "Conv": operators.convolution,
    "Gemm": operators.matrix,
    "GlobalAveragePool": operators.mean,
    "MaxPool": operators.max_pool,
    "Pad": operators.padding,
    "ReduceMean": operators.mean,
    "Slice": operators.piece,
    "Transpose": operators.shuffle,
}
