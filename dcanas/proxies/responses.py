"""Correlations of a batch's responses, summed with a weight per block, and the log-determinant of the sum."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.proxies.collect import Collector
from dcanas.proxies.correlation import sample_correlation
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy_registry import WEIGHTS


class ActivationCorrelations(Collector):
    """(block, |C|) of every activation's input; responses with a constant row have no C and are left out."""

    def __init__(self) -> None:
        self.found: list[tuple[int, np.ndarray]] = []

    def activation(self, block: int, before: Tensor, after: Tensor) -> None:
        _note(self.found, block, before)


class GradientCorrelations(Collector):
    """(block, |C|) of the loss gradients with respect to every activation's input."""

    gradients = True

    def __init__(self) -> None:
        self.found: list[tuple[int, np.ndarray]] = []

    def activation_gradient(self, block: int, gradient: Tensor) -> None:
        _note(self.found, block, gradient)


def _note(found: list[tuple[int, np.ndarray]], block: int, response: Tensor) -> None:
    correlation = sample_correlation(response)
    if np.isfinite(correlation).all():
        found.append((block, np.abs(correlation)))


def block_weights(kind: str, blocks: int) -> np.ndarray:
    """Return the weight of each block, bottom to top: 1, l + 1, (l + 1)^2, 2^l, or 2^(blocks - 1 - l) for l = 0, 1, ...

    The published weights are 2^l; a common factor moves every score by the same amount.
    """
    level = np.arange(blocks, dtype=float)
    found = {"none": np.ones(blocks), "linear": level + 1, "quadratic": (level + 1) ** 2, "exponential": 2.0 ** level,
             "reversed": 2.0 ** level[::-1]}
    return found[kind]


def log_determinant(found: list[tuple[int, np.ndarray]], blocks: int, options: tuple[str, ...],
                    default: str = "none") -> float:
    """Return log |det K|, K = sum over responses of weight(block) |C|^x (Jing et al., Eq. 10-11).

    options: at most one kind of weights and one exponent x in [0, 1], in any order.
    """
    kinds, numbers = [o for o in options if o in WEIGHTS], [float(o) for o in options if o not in WEIGHTS]
    if len(kinds) > 1 or len(numbers) > 1 or any(not 0 <= x <= 1 for x in numbers):
        raise UserError(f"Response correlations take one kind of weights ({', '.join(WEIGHTS)}) and one exponent from "
                        f"0 to 1, got {':'.join(options)!r}.")
    if not found:
        raise UnscorableError("every response is constant for some image, so there is no correlation")
    kind = kinds[0] if kinds else default
    if not blocks and kind != "none":
        raise UnscorableError("the network does not list its blocks")
    weights, exponent = block_weights(kind, max(blocks, 1)), numbers[0] if numbers else 1.0
    sign, log = np.linalg.slogdet(sum(weights[block] * matrix ** exponent for block, matrix in found))
    if sign == 0:
        raise UnscorableError("two images respond alike everywhere, so the kernel is singular")
    return float(log)
