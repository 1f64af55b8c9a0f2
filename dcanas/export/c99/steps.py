"""What a quantised network does, step by step: values without a trace of ONNX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = -128, 127  # of an int8


@dataclass(frozen=True, eq=False)
class Tensor:
    """An int8 image in the arena, in the order height, width, channels: value = scale * (byte - zero)."""

    name: str
    shape: tuple[int, int, int]  # channels, height, width
    scale: np.float32
    zero: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape)

    def same_numbers(self, other: Tensor) -> bool:
        """Return whether equal bytes of both stand for equal values."""
        return self.scale == other.scale and self.zero == other.zero


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One operation. `low` and `high` bound the bytes it makes: a ReLU is a lower bound.

    `moves`: it moves bytes and changes none, so what it makes has the scale of what it reads, and no bounds.
    """

    name: str
    reads: tuple[Tensor, ...]
    makes: Tensor
    low: int = LEAST
    high: int = MOST
    moves: ClassVar[bool] = False

    @property
    def scratch(self) -> int:
        """Return the bytes it needs beside what it reads and makes."""
        return 0

    @property
    def in_place(self) -> tuple[Tensor, ...]:
        """Return the inputs that its output may lie on."""
        return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Lookup(Step):
    """The caller's image (uint8) through one table per channel. Shape: table int8 (channels, 256)."""

    table: NDArray[np.int8]


@dataclass(frozen=True)
class Window:
    """How a window moves over an image; pairs are vertical, horizontal; `before` is the padding at top and left."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Step):
    """A convolution, or a matrix multiplication as one.

    Shape: kernel int8 (out, in / groups, height, width); bias int32 (out,), in units of the input's scale x
    kernel_scale; kernel_scale float32 (out,).
    """

    window: Window
    groups: int = 1
    kernel: NDArray[np.int8]
    bias: NDArray[np.int64]
    kernel_scale: NDArray[np.float32]

    @property
    def depthwise(self) -> bool:
        return self.groups == self.reads[0].shape[0] == self.makes.shape[0] and self.groups > 1

    @property
    def macs(self) -> int:
        return self.makes.bytes * math.prod(self.kernel.shape[1:])

    @property
    def gathers(self) -> bool:
        """Return whether patches are copied together before they are multiplied."""
        inside = all((made - 1) * stride < size for made, stride, size in
                     zip(self.makes.shape[1:], self.window.stride, self.reads[0].shape[1:], strict=True))
        return not self.depthwise and not (self.window.size == (1, 1) and self.window.before == (0, 0) and inside)

    @property
    def scratch(self) -> int:
        """Return the bytes of two patches, or in a depthwise convolution of the one that reaches over the border."""
        if self.depthwise:
            return math.prod(self.window.size) * self.groups
        return 2 * math.prod(self.kernel.shape[1:]) if self.gathers else 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Addition(Step):
    """The sum of two images of one size."""

    @property
    def in_place(self) -> tuple[Tensor, ...]:
        return self.reads


@dataclass(frozen=True, eq=False, kw_only=True)
class Rescale(Step):
    """The same values in other bytes, a ReLU perhaps."""

    @property
    def in_place(self) -> tuple[Tensor, ...]:
        return self.reads


@dataclass(frozen=True, eq=False, kw_only=True)
class Normalisation(Step):
    """Batch norm that follows no convolution: weight * (x - mean) / deviation + bias. Shape: float32 (channels,)."""

    weight: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def in_place(self) -> tuple[Tensor, ...]:
        return self.reads


@dataclass(frozen=True, eq=False, kw_only=True)
class Average(Step):
    """Mean over a window; padding does not count."""

    window: Window


@dataclass(frozen=True, eq=False, kw_only=True)
class Maximum(Step):
    """Largest byte in a window."""

    moves = True
    window: Window


@dataclass(frozen=True, eq=False, kw_only=True)
class Padding(Step):
    """Every so many rows and columns of an image, with zeros added or some cut off.

    `before`: rows at the top and columns at the left that are added, or cut off if negative; `front`: channels of zeros
    before the image's. The output's size says the rest.
    """

    moves = True
    before: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (1, 1)
    front: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Shuffle(Step):
    """Channels (groups, n) in the order (n, groups)."""

    moves = True
    groups: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenation(Step):
    """Images side by side along the channels."""


@dataclass(frozen=True)
class Program:
    """A network: its steps in order, from an image of uint8 (height, width, channels) to the logits' bytes."""

    image: tuple[int, int, int]  # channels, height, width
    steps: tuple[Step, ...]
    logits: Tensor
    metadata: dict[str, Any]
