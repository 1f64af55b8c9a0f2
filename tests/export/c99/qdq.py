"""Small QDQ files made by hand: random weights and scales, any shapes."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Qdq:
    """A file under construction; `at` is the name, `shape` the (C, H, W) of the last quantised value."""

    def __init__(self, shape: tuple[int, int, int], seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.image, self.shape, self.spread = shape, shape, 0.5  # spread: about how large values are
        self.made: dict[str, tuple[tuple[int, int, int], float]] = {}
        self.ended = False
        mean = self.constant(np.full((1, shape[0], 1, 1), 0.4, np.float32))
        self.at = self.quantise(self.node("Sub", ["image", mean]), shape, 0.5)

    def constant(self, values) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], f"{kind}_{len(self.nodes)}", **attributes))
        return name

    def quantise(self, name: str, shape, spread: float, same: bool = False) -> str:
        """End an operation: quantised with a random zero point, or with the numbers before if `same`."""
        if not same:
            scale = np.float32(spread * self.rng.uniform(1.5, 4) / 128)
            self.numbers = [self.constant(scale), self.constant(np.int8(self.rng.integers(-40, 40)))]
        self.shape, self.spread = tuple(shape), spread
        self.at = self.node("DequantizeLinear", [self.node("QuantizeLinear", [name, *self.numbers]), *self.numbers])
        self.made[self.at] = (self.shape, spread)
        return self.at

    def weights(self, shape, fed: float) -> tuple[str, str, float]:
        """Return a kernel, a bias, and about how large sums of `fed` are."""
        values = self.rng.integers(-127, 128, shape).astype(np.int8)
        scales = self.rng.uniform(0.002, 0.01, shape[0]).astype(np.float32)
        scale = self.constant(scales)
        kernel = self.node("DequantizeLinear", [self.constant(values), scale,
                                                self.constant(np.zeros(shape[0], np.int8))], axis=0)
        before = numpy_helper.to_array(next(t for t in self.constants if t.name == self.numbers[0]))
        bias = self.node("DequantizeLinear", [
            self.constant(self.rng.integers(-3000, 3000, shape[0]).astype(np.int32)),
            self.constant(scales * before), self.constant(np.zeros(shape[0], np.int32))], axis=0)
        return kernel, bias, fed * 0.4 * math.sqrt(math.prod(shape[1:]))

    def conv(self, out: int, size=(3, 3), stride=(1, 1), dilation=(1, 1), pads=(1, 1, 1, 1), groups: int = 1) -> str:
        kernel, bias, spread = self.weights((out, self.shape[0] // groups, *size), self.spread)
        made = self.node("Conv", [self.at, kernel, bias], kernel_shape=size, strides=stride, dilations=dilation,
                         pads=pads, group=groups)
        return self.quantise(made, (out, *self.moved(size, stride, dilation, pads)), spread)

    def moved(self, size, stride, dilation, pads, ceil: bool = False) -> tuple[int, ...]:
        found = []
        for axis in (0, 1):
            room = self.shape[1 + axis] + pads[axis] + pads[2 + axis] - dilation[axis] * (size[axis] - 1) - 1
            steps = -(-room // stride[axis]) if ceil else room // stride[axis]
            if ceil and steps * stride[axis] >= self.shape[1 + axis] + pads[axis]:
                steps -= 1
            found.append(steps + 1)
        return tuple(found)

    def relu(self) -> str:
        return self.quantise(self.node("Relu", [self.at]), self.shape, self.spread)

    def clip(self, low: float, high: float) -> str:
        bounds = [self.constant(np.float32(low)), self.constant(np.float32(high))]
        return self.quantise(self.node("Clip", [self.at, *bounds]), self.shape, min(self.spread, high))

    def add(self, other: str) -> str:
        return self.quantise(self.node("Add", [self.at, other]), self.shape, self.spread + self.made[other][1])

    def concat(self, other: str) -> str:
        shape = (self.shape[0] + self.made[other][0][0], *self.shape[1:])
        return self.quantise(self.node("Concat", [self.at, other], axis=1), shape,
                             max(self.spread, self.made[other][1]))

    def pool(self, kind: str, size, stride, pads, ceil: bool = False, same: bool = True) -> str:
        more = {"count_include_pad": 0} if kind == "AveragePool" else {"dilations": (1, 1)}
        made = self.node(kind, [self.at], kernel_shape=size, strides=stride, pads=pads, ceil_mode=int(ceil), **more)
        return self.quantise(made, (self.shape[0], *self.moved(size, stride, (1, 1), pads, ceil)), self.spread, same)

    def pad(self, top: int, left: int, bottom: int, right: int, front: int = 0, back: int = 0) -> str:
        made = self.node("Pad", [self.at, self.constant(np.array([0, front, top, left, 0, back, bottom, right]))])
        shape = (self.shape[0] + front + back, self.shape[1] + top + bottom, self.shape[2] + left + right)
        return self.quantise(made, shape, self.spread, same=True)

    def slice(self, axis: int, start: int, step: int) -> str:
        """Take every step-th row (axis 2) or column (axis 3) from `start` on."""
        limits = [self.constant(np.array([value])) for value in (start, 2**63 - 1, axis, step)]
        shape = list(self.shape)
        shape[axis - 1] = -(-(shape[axis - 1] - start) // step)
        return self.quantise(self.node("Slice", [self.at, *limits]), tuple(shape), self.spread, same=True)

    def shuffle(self, groups: int) -> str:
        channels, *size = self.shape
        for kind, shape in (("Reshape", (1, groups, channels // groups, *size)), ("Transpose", ()),
                            ("Reshape", (1, channels, *size))):
            if shape:
                made = self.node(kind, [self.at, self.constant(np.array(shape))])
            else:
                made = self.node(kind, [self.at], perm=[0, 2, 1, 3, 4])
            self.quantise(made, (channels, *size), self.spread, same=True)
        return self.at

    def norm(self) -> str:
        low, high = (0.5, -0.5, -0.5, 0.5), (1.5, 0.5, 0.5, 1.5)
        statistics = [self.constant(self.rng.uniform(a, b, self.shape[0]).astype(np.float32))
                      for a, b in zip(low, high, strict=True)]
        made = self.node("BatchNormalization", [self.at, *statistics], epsilon=1e-5)
        return self.quantise(made, self.shape, self.spread + 1)

    def mean(self) -> str:
        made = self.node("ReduceMean", [self.at, self.constant(np.array([-1, -2]))], keepdims=1)
        return self.quantise(made, (self.shape[0], 1, 1), self.spread, same=True)

    def model(self, classes: int = 5, metadata: dict[str, str] | None = None) -> onnx.ModelProto:
        """End with a fully connected layer on all that there is."""
        if not self.ended:
            self._end(classes)
        graph = helper.make_graph(
            self.nodes, "made", [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, *self.image))],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, classes))], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        for key, value in (metadata or {}).items():
            model.metadata_props.add(key=key, value=value)
        return model

    def _end(self, classes: int) -> None:
        features = math.prod(self.shape)
        flat = self.node("Reshape", [self.at, self.constant(np.array([1, features]))])
        kernel, bias, spread = self.weights((classes, features), self.spread)
        self.quantise(self.node("Gemm", [flat, kernel, bias], transB=1), (classes, 1, 1), spread)
        self.nodes[-1].output[0] = "logits"
        self.ended = True
