"""What an ONNX file costs, read from it: stored weights and live memory (the oracle of the closed forms)."""

from __future__ import annotations

import math
from pathlib import Path

import onnx

BYTES = 4  # of an activation: fp32
_ELEMENTWISE = {"Abs", "Add", "BatchNormalization", "Clip", "Div", "Elu", "Exp", "Gelu", "HardSigmoid",
                "HardSwish", "LeakyRelu", "Max", "Min", "Mul", "Neg", "PRelu", "Relu", "Sigmoid", "Softplus",
                "Sqrt", "Sub", "Tanh"}
_ALIAS = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}


def stored_weight_bytes(path: Path | str) -> int:
    """Return the bytes of weights and vectors in the file.

    Integers that describe shapes and scalars (the bounds of a Clip) do not count.
    """
    total = 0
    for tensor in onnx.load(str(path)).graph.initializer:
        if tensor.data_type != onnx.TensorProto.INT64 and tensor.dims:  # quantised files use int8 and int32
            total += math.prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return total


def peak_live_bytes(path: Path | str) -> int:
    """Return the largest sum of activations that are alive at one step, in the file's order; batch 1.

    A tensor lives from the step that makes it to its last use; the input image from the start to its last
    use, and it is never overwritten; the output to the end. An elementwise step may write into an input of
    its output's size that dies there. Reshape and its kin are other names of their input. Weights and
    constants do not count.
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load(str(path)), strict_mode=True, data_prop=True).graph
    size = {value.name: BYTES * math.prod(d.dim_value for d in value.type.tensor_type.shape.dim)
            for value in (*graph.input, *graph.value_info, *graph.output)}
    constant = {tensor.name for tensor in graph.initializer}
    buffer = {value.name: value.name for value in graph.input if value.name not in constant}
    inputs = set(buffer.values())
    steps: list[tuple[str, list[str], list[str]]] = []
    for node in graph.node:
        read = [buffer[name] for name in node.input if name in buffer]
        if node.op_type == "Constant" or not read:
            continue
        if node.op_type in _ALIAS:
            buffer[node.output[0]] = read[0]
            continue
        made = [name for name in node.output if name]
        buffer.update((name, name) for name in made)
        steps.append((node.op_type, read, made))
    last = {name: number for number, (_, read, made) in enumerate(steps) for name in (*made, *read)}
    last.update((buffer[value.name], len(steps)) for value in graph.output if value.name in buffer)

    live = set(inputs)
    peak = sum(size[name] for name in live)
    for number, (kind, read, made) in enumerate(steps):
        dying = {name for name in read if last[name] == number}
        if kind in _ELEMENTWISE:
            reused = next((n for n in read if n in dying - inputs and size[n] == size[made[0]]), None)
            live -= {reused}
        live |= set(made)
        peak = max(peak, sum(size[name] for name in live))
        live = {name for name in live if last[name] > number}
    return peak
