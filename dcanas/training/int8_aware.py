"""Quantisation-aware training (Jacob et al., CVPR 2018): a network that rounds as its int8 file will, while it learns.

Weights and inputs of every convolution and linear layer are rounded on their way as `export.int8` rounds them:
weights symmetric with one scale per output channel, inputs to 8 bits with one range each. Gradients pass as if
nothing was rounded (Bengio et al., 2013). Batch norm that is folded into a convolution later only scales its
channels, so that the rounded weights are those of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from dcanas.training.recipe import Recipe

EPOCHS = 5
RATE = 0.1  # of the recipe's learning rate
PACE = 0.1  # at which ranges follow those of the batches
STEPS = {7: 64, 8: 127}  # on either side of 0, by bits of the weights


def fine_tuning(recipe: Recipe) -> Recipe:
    """Return the recipe of a few more epochs at a tenth of the learning rate, from the weights that are there."""
    return replace(recipe.from_scratch(), epochs=min(EPOCHS, recipe.epochs), warmup_epochs=0, mixup=0.0, ema=0.0,
                   learning_rate=recipe.learning_rate * RATE)


@contextmanager
def rounded_as_int8(network: nn.Module, weight_bits: int = 8) -> Iterator[None]:
    """Let a network round weights and inputs of its layers while the context lasts; its weights stay floats.

    weight_bits: 7 or 8, see `export.int8.quantize_onnx`.
    """
    layers = [module for module in network.modules() if type(module) in _ROUNDED]
    for layer in layers:
        layer.__class__ = _ROUNDED[type(layer)]
        layer.steps = STEPS[weight_bits]  # type: ignore[assignment]
        ends = torch.zeros(2, device=next(layer.parameters()).device)  # the smallest and the largest input
        layer.register_buffer("range", ends)
    try:
        yield
    finally:
        for layer in layers:
            layer.__class__ = next(plain for plain, rounded in _ROUNDED.items() if rounded is type(layer))
            del layer.range, layer.steps


class _Conv2d(nn.Conv2d):
    steps: int

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(_rounded_input(self, x), rounded_weight(self.weight, self.steps), self.bias)


class _Linear(nn.Linear):
    steps: int

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(_rounded_input(self, x), rounded_weight(self.weight, self.steps), self.bias)


_ROUNDED: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: _Conv2d, nn.Linear: _Linear}


def rounded_weight(weight: Tensor, steps: int = 127) -> Tensor:
    """Return weights rounded to so many steps on either side of 0, per output channel. Shape: (out, ...), unchanged."""
    largest = weight.detach().abs().flatten(1).amax(1).clamp(min=1e-12)
    scale = (largest / steps).view(-1, *(1,) * (weight.ndim - 1))
    return _straight_through(weight, (weight / scale).round() * scale)


def _rounded_input(layer: nn.Module, x: Tensor) -> Tensor:
    """Return inputs rounded to 256 steps of the layer's range, which follows them in training."""
    if layer.training:
        with torch.no_grad():
            found = torch.stack([x.min().clamp(max=0), x.max().clamp(min=0)])
            known = layer.range
            assert isinstance(known, Tensor)
            known.lerp_(found.to(known.dtype), 1.0 if not known.any() else PACE)
    low, high = layer.range  # type: ignore[misc]
    scale = ((high - low) / 255).clamp(min=1e-12)
    zero = (low / scale).round()
    return _straight_through(x, ((x / scale).round().clamp(zero, zero + 255)) * scale)


def _straight_through(value: Tensor, rounded: Tensor) -> Tensor:
    return value + (rounded - value).detach()
