"""The plan of a network: what the exported network executes, step by step, without building it.

A space describes its networks once as torch modules and once as a plan. The plan is what all closed-form costs
are read from: parameters, MACs, stored weights and live memory; tests hold the two descriptions against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

Shape = tuple[int, ...]  # (C, H, W), or (C,) after global pooling; batch 1


class Step(NamedTuple):
    """One operation of the exported network, with batch norm that follows a convolution folded into it.

    inputs, output: numbers of the tensors within the block; 0 is the block's input.
    shape: of the output.
    params: trainable parameters, batch norm's scale and shift included.
    macs: multiply-accumulates of convolutions and linear layers; everything else counts 0.
    weights: multiplicative weights stored in the exported file (kernels and matrices).
    vectors: values per channel stored beside them (biases, unfolded batch norm), which int8 files keep at 4 bytes.
    in_place: elementwise, so that the output may take the memory of an input that dies here.
    depthwise: a convolution that filters each channel by itself.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    shape: Shape
    params: int = 0
    macs: int = 0
    weights: int = 0
    vectors: int = 0
    in_place: bool = False
    depthwise: bool = False


@dataclass(frozen=True)
class Block:
    """`count` equal parts of the network in a row, each from one input tensor (number 0) to one output tensor.

    output: number of the tensor that the next block reads.
    others: shapes of further tensors from earlier blocks, which are alive at the start (numbers 1, 2, ...).
    kept: numbers of tensors that later blocks read beside the output.
    """

    name: str
    count: int
    input_shape: Shape
    output: int
    steps: tuple[Step, ...]
    others: tuple[Shape, ...] = ()
    kept: tuple[int, ...] = ()

    def __hash__(self) -> int:  # kept: blocks are keys of caches, and their steps many
        kept: dict[str, int] = vars(self)
        if "_hash" not in kept:
            kept["_hash"] = hash((self.name, self.count, self.input_shape, self.output, self.steps, self.others,
                                  self.kept))
        return kept["_hash"]

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, (C, H, W) or (C,)."""
        return self.steps[-1].shape if self.steps else self.input_shape

    @cached_property
    def totals(self) -> tuple[int, int, int, int]:
        """Parameters, MACs, weights and vectors of all `count` parts."""
        return (self.count * sum(s.params for s in self.steps), self.count * sum(s.macs for s in self.steps),
                self.count * sum(s.weights for s in self.steps), self.count * sum(s.vectors for s in self.steps))


class BlockPlanner:
    """Writes the steps of one block in execution order; each method returns the number of the tensor it makes.

    Operations without parameters that read the same tensors are one step, as in the exported file.
    """

    def __init__(self, name: str, input_shape: Shape, count: int = 1, others: Sequence[Shape] = ()):
        self.name, self.count, self.others = name, count, tuple(others)
        self.shapes: list[Shape] = [input_shape, *others]
        self.steps: list[Step] = []
        self._computed: dict[tuple[Any, ...], int] = {}

    def conv_bn(self, source: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1,
                norm: bool = True) -> int:
        """Convolution without bias, padding (kernel - 1) / 2, and (if `norm`) batch norm folded into it."""
        channels, height, width = self.shapes[source]
        height, width = -(-height // stride), -(-width // stride)
        weights = kernel * kernel * (channels // groups) * out_channels
        return self._add("conv", (source,), (out_channels, height, width),
                         params=weights + 2 * out_channels * norm, macs=weights * height * width,
                         weights=weights, vectors=out_channels * norm, depthwise=groups == channels > 1)

    def relu(self, source: int) -> int:
        return self._once("relu", (source,), self.shapes[source], in_place=True)

    def batch_norm(self, source: int) -> int:
        """Batch norm that cannot be folded: scale, shift, mean and variance are stored."""
        channels = self.shapes[source][0]
        return self._add("batch_norm", (source,), self.shapes[source], params=2 * channels,
                         vectors=4 * channels, in_place=True)

    def avg_pool(self, source: int, stride: int) -> int:
        channels, height, width = self.shapes[source]
        return self._once("avg_pool", (source,), (channels, -(-height // stride), -(-width // stride)))

    def max_pool(self, source: int, stride: int) -> int:
        channels, height, width = self.shapes[source]
        return self._once("max_pool", (source,), (channels, -(-height // stride), -(-width // stride)))

    def reshaped(self, kind: str, source: int, height: int, width: int) -> int:
        """A copy with another height and width: cut, padded, shuffled."""
        return self._once(kind, (source,), (self.shapes[source][0], height, width))

    def widened(self, source: int, channels: int) -> int:
        """A copy with channels of zeros added."""
        return self._once("pad", (source,), (channels, *self.shapes[source][1:]))

    def concat(self, sources: Sequence[int]) -> int:
        """Join along the channels."""
        channels = sum(self.shapes[source][0] for source in sources)
        return self._once("concat", tuple(sources), (channels, *self.shapes[sources[0]][1:]))

    def add(self, left: int, right: int) -> int:
        return self._once("add", (left, right), self.shapes[left], in_place=True)

    def global_pool(self, source: int) -> int:
        return self._once("global_pool", (source,), (self.shapes[source][0],))

    def linear(self, source: int, out_features: int) -> int:
        features = self.shapes[source][0]
        return self._add("linear", (source,), (out_features,), params=(features + 1) * out_features,
                         macs=features * out_features, weights=features * out_features, vectors=out_features)

    def done(self, output: int, kept: Sequence[int] = ()) -> Block:
        return Block(self.name, self.count, self.shapes[0], output, tuple(self.steps), self.others, tuple(kept))

    def _once(self, kind: str, inputs: tuple[int, ...], shape: Shape, in_place: bool = False) -> int:
        key = (kind, inputs, shape)
        if key not in self._computed:
            self._computed[key] = self._add(kind, inputs, shape, in_place=in_place)
        return self._computed[key]

    def _add(self, kind: str, inputs: tuple[int, ...], shape: Shape, **counts: Any) -> int:
        self.shapes.append(shape)
        self.steps.append(Step(kind, inputs, len(self.shapes) - 1, shape, **counts))
        return len(self.shapes) - 1


@lru_cache(maxsize=1 << 12)
def stem_block(input_shape: Shape, channels: int, stride: int = 1) -> Block:
    """Return the block of a 3x3 convolution with batch norm and ReLU."""
    block = BlockPlanner("stem", input_shape)
    return block.done(block.relu(block.conv_bn(0, channels, 3, stride)))


@lru_cache(maxsize=1 << 12)
def head_block(shape: Shape, num_classes: int, width: int = 0) -> Block:
    """Return the block of a 1x1 convolution to `width` channels (0: none), global pooling and a linear layer."""
    block = BlockPlanner("head", shape)
    value = block.relu(block.conv_bn(0, width, 1)) if width else 0
    return block.done(block.linear(block.global_pool(value), num_classes))
