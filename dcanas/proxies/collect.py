"""Gathering what proxies need while a pass runs, layer by layer, so that no activation is kept for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.SiLU, nn.GELU, nn.Hardswish,
               nn.Mish, nn.Softplus, nn.Tanh)  # not the gates (sigmoids) of squeeze-and-excitation
LAYERS = (nn.Conv2d, nn.Linear)


class Collector:
    """Listens to one forward pass and, where it asks for gradients, to the backward pass of the loss.

    Subclasses override what they want to hear. Tensors are the network's own: read them, do not keep them.
    """

    gradients = False  # whether the backward pass has to be run for it

    def activation(self, block: int, before: Tensor, after: Tensor) -> None:
        """Hear of an activation module in block `block`: its input and its output, (N, ...)."""

    def activation_gradient(self, block: int, gradient: Tensor) -> None:
        """Hear of the loss gradient with respect to an activation module's input, through that module alone."""

    def layer(self, layer: nn.Module, output: Tensor) -> None:
        """Hear of a convolution's or linear layer's output."""

    def layer_gradient(self, layer: nn.Module, output: Tensor, gradient: Tensor) -> None:
        """Hear of the loss gradient with respect to a layer's output."""


class Ears:
    """Hooks that tell collectors what happens in a network; gradients are passed on while `open` is true."""

    def __init__(self, net: nn.Module, collectors: Sequence[Collector]):
        self.collectors = collectors
        self.open = True
        self.activations = 0
        self.hears_gradients = any(c.gradients for c in collectors)
        self._places = {module: i for i, block in enumerate(getattr(net, "blocks", ())) for module in block.modules()}
        self._net = net

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Install the hooks and take them away again."""
        handles = []
        for module in self._net.modules():
            if isinstance(module, ACTIVATIONS):
                if self.hears_gradients:
                    handles.append(module.register_forward_pre_hook(self._entering))
                handles.append(module.register_forward_hook(self._activation))
            elif isinstance(module, LAYERS):
                handles.append(module.register_forward_hook(self._layer))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _activation(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        block = self._places.get(module, 0)
        self.activations += 1
        with torch.no_grad():
            for collector in self.collectors:
                collector.activation(block, inputs[0].detach(), output.detach())

    def _entering(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Give the module a view of its input: the view's gradient is what flows through this module alone."""
        before, block = inputs[0], self._places.get(module, 0)
        if not before.requires_grad:
            return inputs

        def backward(gradient: Tensor) -> None:
            self._tell(lambda c: c.activation_gradient(block, gradient.detach()))

        view = before.view_as(before)
        view.register_hook(backward)
        return (view, *inputs[1:])

    def _layer(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept = output.detach()
        with torch.no_grad():
            for collector in self.collectors:
                collector.layer(module, kept)
        if self.hears_gradients and output.requires_grad:
            def backward(gradient: Tensor) -> None:
                self._tell(lambda c: c.layer_gradient(module, kept, gradient.detach()))
            output.register_hook(backward)

    def _tell(self, tell: Callable[[Collector], None]) -> None:
        if self.open:
            with torch.no_grad():
                for collector in self.collectors:
                    if collector.gradients:
                        tell(collector)
