"""Gathering what proxies need while a pass runs, layer by layer, so that no activation is kept for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from dcanas.proxies.functional_activations import FunctionalActivations

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.SiLU, nn.GELU, nn.Hardswish,
               nn.Mish, nn.Softplus, nn.Tanh)  # not the gates (sigmoids) of squeeze-and-excitation
LAYERS = (nn.Conv2d, nn.Linear)


class Collector:
    """Receives the tensors of one forward pass and, if it needs gradients, of the backward pass of the loss.

    Subclasses override the methods that they need. Tensors are the network's own: read them, do not keep them.
    """

    gradients = False  # whether it needs the backward pass

    def activation(self, block: int, before: Tensor, after: Tensor) -> None:
        """Receive the input and the output of an activation (module or function) in block `block`, (N, ...)."""

    def activation_gradient(self, block: int, gradient: Tensor) -> None:
        """Receive the loss gradient with respect to an activation's input, through that activation alone."""

    def layer(self, layer: nn.Module, output: Tensor) -> None:
        """Receive the output of a convolution or linear layer."""

    def layer_gradient(self, layer: nn.Module, output: Tensor, gradient: Tensor) -> None:
        """Receive the loss gradient with respect to a layer's output."""


class CollectorHooks:
    """Hooks that pass what happens in a network on to collectors; gradients are passed on while `open` is true."""

    def __init__(self, net: nn.Module, collectors: Sequence[Collector]):
        self.collectors = collectors
        self.open = True
        self.activations = 0
        self.gradients = any(c.gradients for c in collectors)
        self._blocks = list(getattr(net, "blocks", ()))
        self._places = {module: i for i, block in enumerate(self._blocks) for module in block.modules()}
        self._block: int | None = None  # the last one that was entered
        self._in_module = 0  # activation modules that are running: the functions they call are theirs
        self._net = net

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Install the hooks for a forward pass."""
        handles = []
        for number, block in enumerate(self._blocks):
            handles.append(block.register_forward_pre_hook(partial(self._entering_block, number)))
        for module in self._net.modules():
            if isinstance(module, ACTIVATIONS):
                handles.append(module.register_forward_pre_hook(self._entering_module))
                handles.append(module.register_forward_hook(self._leaving_module))
            elif isinstance(module, LAYERS):
                handles.append(module.register_forward_hook(self._layer))
        try:
            with FunctionalActivations(self._entering_function, self._leaving_function):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _entering_block(self, number: int, module: nn.Module, inputs: object) -> None:
        self._block = number

    def _entering_module(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self._in_module += 1
        return (self._view(inputs[0], self._where(module)), *inputs[1:])

    def _leaving_module(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._in_module -= 1
        self._pass_on(inputs[0].detach(), output.detach(), self._where(module))

    def _entering_function(self, before: Tensor) -> Tensor:
        return before if self._in_module else self._view(before, self._where())

    def _leaving_function(self, before: Tensor, after: Tensor) -> None:
        if not self._in_module:
            self._pass_on(before, after, self._where())

    def _where(self, module: nn.Module | None = None) -> int:
        """Return the running block; if a network calls the parts of its blocks itself, the one that `module` is in."""
        if self._block is not None:
            return self._block
        return self._places.get(module, 0) if module is not None else 0

    def _pass_on(self, before: Tensor, after: Tensor, block: int) -> None:
        self.activations += 1
        with torch.no_grad():
            for collector in self.collectors:
                collector.activation(block, before, after)

    def _view(self, before: Tensor, block: int) -> Tensor:
        """Return a view of an activation's input: the view's gradient is what flows through this activation alone."""
        if not self.gradients or not before.requires_grad:
            return before

        def backward(gradient: Tensor) -> None:
            self._pass_gradient(lambda c: c.activation_gradient(block, gradient.detach()))

        view = before.view_as(before)
        view.register_hook(backward)
        return view

    def _layer(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept = output.detach()
        with torch.no_grad():
            for collector in self.collectors:
                collector.layer(module, kept)
        if self.gradients and output.requires_grad:
            def backward(gradient: Tensor) -> None:
                self._pass_gradient(lambda c: c.layer_gradient(module, kept, gradient.detach()))
            output.register_hook(backward)

    def _pass_gradient(self, call: Callable[[Collector], None]) -> None:
        if self.open:
            with torch.no_grad():
                for collector in self.collectors:
                    if collector.gradients:
                        call(collector)
