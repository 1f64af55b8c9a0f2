"""The constants of a step's arithmetic as C writes them, for processors with and without a unit for floats."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dcanas.export.c99.steps import Addition, Average, Convolution, Normalisation, Step, Tensor

ROUNDER = int(np.float32(1.5 * 2**23).view(np.int32))  # see kernels/float.c
WIDEST = 2.0**21  # a float beyond it is rounded by another way (see kernels/float.c)


class Arithmetic(Protocol):
    """How values become bytes. Texts are initialisers of the structures in `kernels/`."""

    name: str

    def bounds(self, step: Step) -> str: ...
    def ratio(self, step: Step, read: Tensor) -> str: ...
    def mean(self, step: Average) -> str: ...
    def scales(self, step: Convolution) -> list[str]: ...
    def statistics(self, step: Normalisation) -> list[str]: ...


class Floats:
    """32-bit floats, in the order of operations of the ONNX file."""

    name = "float"

    def bounds(self, step: Step) -> str:
        return f"{{{step.makes.zero - ROUNDER}, {step.low}, {step.high}}}"

    def ratio(self, step: Step, read: Tensor) -> str:
        return f"{{{c_float(read.scale)}, {c_float(step.makes.scale)}}}"

    def mean(self, step: Average) -> str:
        return self.ratio(step, step.reads[0])

    def scales(self, step: Convolution) -> list[str]:
        return [c_float(np.float32(value)) for value in _factors(step)]

    def statistics(self, step: Normalisation) -> list[str]:
        rows = np.stack([step.weight, step.mean, step.deviation, step.bias], axis=1)
        return [c_float(value) for value in rows.reshape(-1)]


class Integers:
    """Integers alone: multiplied by up to 2^31, divided by a power of two, rounded once."""

    name = "integer"

    def bounds(self, step: Step) -> str:
        return f"{{{step.makes.zero}, {step.low}, {step.high}, {self.shift(step)}}}"

    def ratio(self, step: Step, read: Tensor) -> str:
        return f"{{{self._whole(step, _ratio(read, step.makes))}}}"

    def mean(self, step: Average) -> str:
        (taken, power), (made, less) = (np.frexp(tensor.scale) for tensor in (step.reads[0], step.makes))
        return (f"{{{self._whole(step, _ratio(step.reads[0], step.makes))}, {int(taken * 2**24)}, {int(made * 2**24)}, "
                f"{power - less}}}")

    def scales(self, step: Convolution) -> list[str]:
        return [str(self._whole(step, value)) for value in _factors(step)]

    def statistics(self, step: Normalisation) -> list[str]:
        return [str(self._whole(step, value)) for value in _lines(step).reshape(-1)]

    def shift(self, step: Step) -> int:
        """Return by how many bits products are shifted: as many as let the largest multiplier fit in 31 bits."""
        largest = max(abs(value) for value in self._multipliers(step))
        most = 40 if isinstance(step, Average) else 62  # an average multiplies it by the number of pixels
        return max(1, min(most, 30 - int(np.floor(np.log2(max(largest, 2.0**-40))))))

    def _multipliers(self, step: Step) -> list[float]:
        if isinstance(step, Convolution):
            return list(_factors(step))
        if isinstance(step, Normalisation):
            return list(_lines(step).reshape(-1))
        return [_ratio(read, step.makes) for read in step.reads]

    def _whole(self, step: Step, value: float) -> int:
        return int(np.clip(np.rint(value * 2.0**self.shift(step)), -2**31 + 1, 2**31 - 1))


ARITHMETICS: dict[str, Arithmetic] = {"float": Floats(), "integer": Integers()}


def is_wide(step: Step) -> bool:
    """Return whether a value that is rounded may be so large that floats have no room for it."""
    if isinstance(step, Convolution):
        sums = 255 * np.abs(step.kernel.astype(np.int64)).reshape(len(step.kernel), -1).sum(axis=1) + np.abs(step.bias)
        return bool((sums * _factors(step)).max() > WIDEST)
    if isinstance(step, Normalisation):
        return bool((np.abs(_lines(step)) @ [255, 1]).max() > WIDEST)
    if isinstance(step, Addition | Average) or step.reads:
        return sum(255 * _ratio(read, step.makes) for read in step.reads) > WIDEST
    return False


def c_float(value: Any) -> str:
    """Return a float32 as C writes it, exact when it is read back."""
    text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    return f"{text}f"


def _ratio(read: Tensor, made: Tensor) -> float:
    return float(read.scale) / float(made.scale)


def _factors(step: Convolution) -> NDArray[np.float64]:
    """Return by what each filter's sums are multiplied."""
    return step.kernel_scale.astype(np.float64) * float(step.reads[0].scale) / float(step.makes.scale)


def _lines(step: Normalisation) -> NDArray[np.float64]:
    """Return per channel a factor and a summand, in steps of the output. Shape: (channels, 2)."""
    slope = step.weight.astype(np.float64) / step.deviation
    summand = (step.bias - slope * step.mean) / float(step.makes.scale)
    return np.stack([slope * _ratio(step.reads[0], step.makes), summand], axis=1)
