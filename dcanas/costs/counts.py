"""What a network costs in closed form: parameters, MACs, live memory and stored weights, from its plan alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcanas.basics.errors import unknown
from dcanas.costs.memory import peak_elements
from dcanas.spaces import Architecture, Space

ELEMENT_BYTES = {"fp32": 4, "int8": 1, "int8-file": 1}  # of activations and multiplicative weights
# Of a value per channel: biases stay 32-bit words. The QDQ file itself ("int8-file") stores beside each a scale (4) and
# a zero point (1) of the kernel, a scale and a zero point (4 each) of the bias, and those of a depthwise kernel
# before it that has no bias (4 + 1): an upper bound, for most kernels have one and unfolded batch norms stay plain.
VECTOR_BYTES = {"fp32": 4, "int8": 4, "int8-file": 22}


@dataclass(frozen=True)
class Counts:
    """Costs that are counted, never measured.

    Attributes:
        params: trainable parameters as published (batch norm's scale and shift included, running statistics not).
        macs: multiply-accumulates of convolutions and linear layers for one image; the rest counts 0.
        peak_bytes: largest sum of live activations over the steps of the pruned network (see `costs.memory`).
        weight_bytes: what the exported file stores: kernels, matrices and, per channel, biases, into which a batch
            norm that follows a convolution is folded; unfolded batch norm keeps four values per channel. If two
            batch norms follow one convolution, the exporter folds both, and the file holds four values fewer.
    """

    params: int
    macs: int
    peak_bytes: int
    weight_bytes: int

    @property
    def flops(self) -> int:
        """One multiply-accumulate is two floating-point operations."""
        return 2 * self.macs


def element_bytes(dtype: str) -> int:
    """Return the bytes of one activation or weight; raises `UserError` for an unknown dtype."""
    if dtype not in ELEMENT_BYTES:
        raise unknown("dtype", dtype, ELEMENT_BYTES)
    return ELEMENT_BYTES[dtype]


def count_architecture(space: Space, arch: Architecture, input_shape: tuple[int, int, int] = (3, 32, 32),
                       num_classes: int = 10, dtype: str = "fp32", **skeleton: Any) -> Counts:
    """Return the counts of `space.build(arch, ...)` without building it.

    Parameters, MACs and weights include dead operations, as published; live memory is that of the pruned network.

    Args:
        space: the space of `arch`.
        arch: the architecture.
        input_shape: (C, H, W) of the images, in pixels.
        num_classes: outputs of the network.
        dtype: "fp32", "int8" or "int8-file" (as `quantize_onnx` stores it); decides the bytes per value.
        skeleton: keyword arguments of `space.build`.

    Raises `UserError` for an unknown dtype or skeleton option, and for images that are too small for the network.
    """
    size = element_bytes(dtype)
    plan = space.plan(arch, input_shape, num_classes, **skeleton)
    params, macs, weights, vectors = (sum(column) for column in zip(*(block.totals for block in plan), strict=True))
    pruned = space.prune(arch)
    executed = plan if pruned == arch else space.plan(pruned, input_shape, num_classes, **skeleton)
    return Counts(params, macs, size * peak_elements(executed), size * weights + VECTOR_BYTES[dtype] * vectors)
