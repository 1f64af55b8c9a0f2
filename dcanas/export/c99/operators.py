"""One function per ONNX operator: the step that it is, of what it reads, with the numbers of what it makes.

Each takes the graph's values, the node, the quantised inputs (`graph.View`), and the name, scale and zero point of its
output; an operation that moves bytes gives a tensor with the numbers of its input instead.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from dcanas.export.c99.steps import (
    Addition,
    Average,
    Concatenation,
    Convolution,
    Maximum,
    Normalisation,
    Padding,
    Shuffle,
    Tensor,
    Window,
)
from dcanas.export.c99.values import Values, attributes

if TYPE_CHECKING:
    from dcanas.export.c99.graph import View


def convolution(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
                zero: int) -> Convolution:
    kernel, kernel_scale, kernel_zero = values.quantised(node.input[1], node)
    if kernel.ndim != 4 or kernel.dtype != np.int8 or kernel_zero.any():
        raise values.refuse(node, f"with a kernel of {kernel.dtype} {kernel.shape} instead of symmetric int8")
    made = Tensor(name, _shape(values, node), scale, zero)
    return _convolution(values, node, read[0].tensor, made, _window(values, node, kernel.shape[2:]),
                        attributes(node).get("group", 1), kernel, kernel_scale)


def matrix(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
           zero: int) -> Convolution:
    """A fully connected layer is a convolution whose window is the whole image."""
    given = attributes(node)
    if (given.get("alpha", 1.0), given.get("beta", 1.0), given.get("transA", 0)) != (1.0, 1.0, 0):
        raise values.refuse(node, "with alpha, beta or transA")
    kernel, kernel_scale, kernel_zero = values.quantised(node.input[1], node)
    if kernel.dtype != np.int8 or kernel_zero.any():
        raise values.refuse(node, f"with weights of {kernel.dtype} instead of symmetric int8")
    if not given.get("transB", 0):
        kernel, kernel_scale = kernel.T, kernel_scale.T if kernel_scale.ndim == 2 else kernel_scale
    image = read[0].tensor
    made = Tensor(name, (len(kernel), 1, 1), scale, zero)
    return _convolution(values, node, image, made, Window(image.shape[1:]), 1, kernel.reshape(-1, *image.shape),
                        kernel_scale)


def _convolution(values: Values, node: onnx.NodeProto, image: Tensor, made: Tensor, window: Window, groups: int,
                 kernel: Any, kernel_scale: Any) -> Convolution:
    scales = np.broadcast_to(kernel_scale.reshape(-1), (len(kernel),)).astype(np.float32)
    bias = values.constant(node.input[2]) if len(node.input) > 2 else np.zeros(len(kernel), np.float32)
    if bias is None:
        raise values.refuse(node, "with a bias that is not constant")
    whole = np.rint(bias.astype(np.float64) / (np.float64(image.scale) * scales)).astype(np.int64)
    largest = 255 * np.abs(kernel.astype(np.int64)).reshape(len(kernel), -1).sum(axis=1) + np.abs(whole)
    if largest.max() >= 2**31:
        raise values.refuse(node, "whose sums do not fit in 32 bits")
    return Convolution(name=node.name, reads=(image,), makes=made, window=window, groups=groups, kernel=kernel,
                       bias=whole, kernel_scale=scales)


def addition(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
             zero: int) -> Addition:
    if len(read) != 2 or read[0].tensor.shape != read[1].tensor.shape:
        raise values.refuse(node, "of two values of different shapes")
    return Addition(name=node.name, reads=(read[0].tensor, read[1].tensor),
                    makes=Tensor(name, read[0].tensor.shape, scale, zero))


def normalisation(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
                  zero: int) -> Normalisation:
    constants = [values.constant(part) for part in node.input[1:]]
    if len(read) != 1 or any(constant is None for constant in constants):
        raise values.refuse(node, "whose statistics are not constant")
    weight, bias, mean, variance = (np.asarray(constant, np.float32).reshape(-1) for constant in constants)
    deviation = np.sqrt(variance + np.float32(attributes(node).get("epsilon", 1e-5)))
    return Normalisation(name=node.name, reads=(read[0].tensor,), weight=weight, bias=bias, mean=mean,
                         deviation=deviation, makes=Tensor(name, read[0].tensor.shape, scale, zero))


def average_pool(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
                 zero: int) -> Average:
    given = attributes(node)
    window = _window(values, node, given["kernel_shape"])
    if given.get("count_include_pad", 0) and any(given.get("pads", ())):
        raise values.refuse(node, "with count_include_pad")
    return Average(name=node.name, reads=(read[0].tensor,), window=window,
                   makes=Tensor(name, _shape(values, node), scale, zero))


def mean(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32, zero: int) -> Average:
    image = read[0].tensor
    axes = attributes(node).get("axes")
    if node.op_type == "ReduceMean":
        stored = values.constant(node.input[1]) if len(node.input) > 1 else axes
        axes = None if stored is None else sorted(int(axis) % 4 for axis in np.asarray(stored).reshape(-1))
        if axes != [2, 3]:
            raise values.refuse(node, f"over the axes {axes} instead of height and width")
    return Average(name=node.name, reads=(image,), window=Window(image.shape[1:]),
                   makes=Tensor(name, (image.shape[0], 1, 1), scale, zero))


def max_pool(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
             zero: int) -> Maximum:
    window = _window(values, node, attributes(node)["kernel_shape"])
    return Maximum(name=node.name, reads=(read[0].tensor,), window=window,
                   makes=_moved(name, _shape(values, node), read[0]))


def padding(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32, zero: int) -> Padding:
    pads = values.constant(node.input[1])
    filled = values.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    mode = attributes(node).get("mode", b"constant")
    if pads is None or mode != b"constant" or (filled is not None and filled.any()) or len(node.input) > 3:
        raise values.refuse(node, "with anything but zeros on all axes")
    if pads.size != 8 or pads[[0, 4]].any() or pads[[1, 5]].min() < 0:
        raise values.refuse(node, f"by {pads.tolist()}")
    return Padding(name=node.name, reads=(read[0].tensor,), before=(int(pads[2]), int(pads[3])), front=int(pads[1]),
                   makes=_moved(name, _shape(values, node), read[0]))


def piece(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32, zero: int) -> Padding:
    """A slice of rows and columns is a padding by less than nothing."""
    constants = [values.constant(part) for part in node.input[1:]]
    if len(constants) < 3 or any(constant is None for constant in constants):
        raise values.refuse(node, "whose limits are not constant")
    starts, _, axes, *steps = (np.asarray(constant).reshape(-1).tolist() for constant in constants)
    first, stride, shape = [0, 0], [1, 1], _shape(values, node)
    for number, axis in enumerate(axis % 4 for axis in axes):
        step = steps[0][number] if steps else 1
        if axis not in (2, 3) or step < 1:
            raise values.refuse(node, "of anything but rows and columns in order")
        size = read[0].tensor.shape[axis - 1]
        first[axis - 2] = min(max(starts[number] + (size if starts[number] < 0 else 0), 0), size)
        stride[axis - 2] = step
    return Padding(name=node.name, reads=(read[0].tensor,), before=(-first[0], -first[1]),
                   stride=(stride[0], stride[1]), makes=_moved(name, shape, read[0]))


def shuffle(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32, zero: int) -> Shuffle:
    order, shape = attributes(node).get("perm"), read[0].shape
    image = read[0].tensor
    if order != [0, 2, 1, 3, 4] or shape[1] * shape[2] != image.shape[0] or shape[3:] != image.shape[1:]:
        raise values.refuse(node, f"of {shape} by {order}, not of channels alone")
    return Shuffle(name=node.name, reads=(image,), groups=shape[1], makes=_moved(name, image.shape, read[0]))


def concatenation(values: Values, node: onnx.NodeProto, read: list[View], name: str, scale: np.float32,
                  zero: int) -> Concatenation:
    if attributes(node).get("axis") not in (1, -3) or len(read) != len(node.input):
        raise values.refuse(node, "of anything but the channels of images")
    return Concatenation(name=node.name, reads=tuple(view.tensor for view in read),
                         makes=Tensor(name, _shape(values, node), scale, zero))


def _moved(name: str, shape: tuple[int, int, int], read: View) -> Tensor:
    """Return a tensor with the numbers of the input."""
    return Tensor(name, shape, read.tensor.scale, read.tensor.zero)


def _shape(values: Values, node: onnx.NodeProto) -> tuple[int, int, int]:
    shape = values.shapes[node.output[0]]
    if len(shape) != 4 or shape[0] != 1 or not math.prod(shape):
        raise values.refuse(node, f"of shape {shape}, not one image of fixed size")
    return shape[1], shape[2], shape[3]


def _window(values: Values, node: onnx.NodeProto, size: Any) -> Window:
    given = attributes(node)
    if given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or len(size) != 2:
        raise values.refuse(node, f"with auto_pad or a window of {len(size)} axes")
    pads = given.get("pads", [0, 0, 0, 0])
    pairs = [tuple(given.get(name, [1, 1])) for name in ("strides", "dilations")]
    return Window((int(size[0]), int(size[1])), pairs[0], pairs[1], (pads[0], pads[1]))
