"""Small ONNX files from which the latency of one operation inside a network is read.

A file that holds an operation alone would mostly show what surrounds it: the call into the runtime, the copy of its
result, the change to the memory layout that convolutions want and back. So each operation is measured as the difference
between two files that have `FEW` and `MANY` copies of it, each with weights of its own, between the same ends: a 1x1
convolution before, the mean over all pixels behind. What one copy more costs is what it costs inside a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from dcanas.basics.files import write_bytes
from dcanas.basics.keys import derive_seed
from dcanas.export import with_random_statistics
from dcanas.export.onnx_file import exported
from dcanas.hardware.devices.device import Device
from dcanas.hardware.latency.operations import Operation

FEW, MANY = 1, 5


def write_operations(operations: Sequence[Operation], folder: Path, names: Sequence[str], device: Device,
                     seed: int = 0) -> None:
    """Write `<name>-<copies>.onnx` with FEW and with MANY copies of each operation, for the device's opset."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights of measured operations"))
        modules = [with_random_statistics(operation.make(), seed) for operation in operations]
    labels = [f"operation{i}" for i in range(len(operations))]
    model = exported(_Beside(modules), [operation.input for operation in operations], device.runtime.opset,
                     [f"{label}_in" for label in labels], [f"{label}_out" for label in labels])
    for operation, label, name in zip(operations, labels, names, strict=True):
        for copies in (FEW, MANY):
            file = _Copies(model, operation, f"{label}_in", f"{label}_out", copies, seed).model(device)
            write_bytes(folder / f"{name}-{copies}.onnx", file.SerializeToString(deterministic=True))


class _Beside(nn.Module):
    """All operations in one graph, each with its own input: the exporter takes seconds a call."""

    def __init__(self, modules: Sequence[nn.Module]):
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(part(x) for part, x in zip(self.parts, inputs, strict=True))


class _Copies:
    """A graph with copies of an operation between a 1x1 convolution and the mean over all pixels.

    Where shapes allow it each reads what the one before wrote, as in a network; else all read the same tensor and are
    added up. Equal operations without weights would then be merged, so each of those reads a tensor of its own.
    """

    def __init__(self, source: ModelProto, operation: Operation, first: str, last: str, copies: int, seed: int):
        self.source, self.operation, self.first, self.last = source.graph, operation, first, last
        self.opset = source.opset_import
        self.stored = {tensor.name: tensor for tensor in source.graph.initializer}
        self.part = _between(source.graph.node, last)
        self.weighty = any(node.op_type in ("Conv", "Gemm", "MatMul") for node in self.part)
        self.rng = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self._fill(copies)

    def model(self, device: Device) -> ModelProto:
        graph = helper.make_graph(
            self.nodes, "operation",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *self.operation.input])],
            [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, self.operation.output[0], 1, 1])],
            self.tensors)
        model = helper.make_model(graph, opset_imports=list(self.opset), ir_version=device.runtime.ir_version)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _fill(self, copies: int) -> None:
        channels = self.operation.input[0]
        kernel = (self.rng.normal(size=(channels, channels, 1, 1)) / np.sqrt(channels)).astype(np.float32)
        here = self._node("Conv", "image", self._constant(kernel), self._constant(np.full(channels, 0.1, np.float32)))
        outputs = []
        for number in range(copies):
            if self.operation.keeps_shape:
                after = self._copy(number, here)
                here = self._node("Add", here, after) if self.operation.summed else after
            else:
                own = here if self.weighty else \
                    self._node("Add", here, self._constant(np.array(float(number), np.float32)))
                outputs.append(self._copy(number, own))
        if outputs:
            here = outputs[0]
            for output in outputs[1:]:
                here = self._node("Add", here, output)
        self.nodes.append(helper.make_node("GlobalAveragePool", [here], ["mean"]))

    def _copy(self, number: int, source: str) -> str:
        """Append the operation with new weights, reading `source`; return the name of what it writes."""
        names = {self.first: source, "": ""}
        if not self.part:  # the identity
            return source
        for node in self.part:
            for name in node.input:
                if name in self.stored and name not in names:
                    names[name] = self._constant(self._varied(numpy_helper.to_array(self.stored[name])))
            new = NodeProto()
            new.CopyFrom(node)
            names |= {name: f"copy{number}_{name}" for name in node.output}
            new.input[:] = [names[name] for name in node.input]
            new.output[:] = [names[name] for name in node.output]
            new.name, new.doc_string = f"copy{number}_{node.op_type}_{len(self.nodes)}", ""
            del new.metadata_props[:]
            self.nodes.append(new)
        return names[self.last]

    def _varied(self, values: np.ndarray) -> np.ndarray:
        """Return weights a little different, so that the runtime merges nothing; shapes and scalars stay."""
        if values.dtype != np.float32 or values.size < 2:
            return values
        return (values * self.rng.uniform(0.9, 1.1, values.shape)).astype(np.float32)

    def _constant(self, values: np.ndarray) -> str:
        self.tensors.append(numpy_helper.from_array(np.asarray(values), f"constant_{len(self.tensors)}"))
        return self.tensors[-1].name

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"


def _between(nodes: Sequence[NodeProto], last: str) -> list[NodeProto]:
    """Return the nodes that the tensor `last` depends on, in order."""
    needed, found = {last}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            found.append(node)
    return found[::-1]
