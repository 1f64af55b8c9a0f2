"""The passes over one network and one batch that proxies share: one forward, one backward of the loss, one of the
summed outputs to the images, one Hessian product, each run once and only if a proxy needs it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcanas.basics.errors import UserError
from dcanas.basics.keys import derive_seed
from dcanas.basics.layout import to_channels_last
from dcanas.proxies.collect import LAYERS, Collector, CollectorHooks
from dcanas.proxies.errors import UnscorableError

C = TypeVar("C", bound=Collector)
T = TypeVar("T")


class Shared:
    """What proxies may read about one network and one batch.

    Attributes:
        net: the network that was asked about; never run, never changed. `fresh()` gives copies to run.
        images, labels: the batch, (N, C, H, W) and (N,) or None.
        depthwise: whether channels are convolved on their own. Then weights and images lie channels-last, where a
            CPU's backward pass takes a third of the time (3x3) or a fourteenth (5x5); else that gains nothing.
        blocks: how many blocks the network lists.
        needs: quantities that the proxies of the shared pass read; the pass computes these together.
    """

    def __init__(self, net: nn.Module, images: Tensor, labels: Tensor | None, seed: int,
                 needs: frozenset[str] = frozenset(), collect: Sequence[type[Collector]] = ()):
        self.net, self.labels, self.seed = net, labels, seed
        self.depthwise = any(isinstance(m, nn.Conv2d) and m.groups > 1 for m in net.modules())
        self.images = images.contiguous(memory_format=torch.channels_last) if self.depthwise else images
        self.needs = needs
        self._once: dict[Callable[[Shared], Any], Any] = {}
        self.blocks = len(getattr(net, "blocks", ()))
        self._collectors: dict[type[Collector], Collector] = {kind: kind() for kind in collect}

    def fresh(self) -> nn.Module:
        """Return a copy in training mode whose activations write beside their inputs, all weights with gradient."""
        twin = copy.deepcopy(self.net).train()
        if self.depthwise:
            to_channels_last(twin)
        for module in twin.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment]
        for parameter in twin.parameters():
            parameter.requires_grad_(True)
            parameter.grad = None
        return twin

    def generator(self, purpose: str) -> torch.Generator:
        """Return a generator on the CPU that belongs to `purpose` and the seed."""
        return torch.Generator().manual_seed(derive_seed(self.seed, "proxy", purpose))

    def noise(self, purpose: str, shape: Sequence[int] | None = None) -> Tensor:
        """Return standard normal noise like the images (or of `shape`)."""
        drawn = torch.randn(*(shape or self.images.shape), generator=self.generator(purpose))
        return drawn.to(self.images)

    def once(self, compute: Callable[[Shared], T]) -> T:
        """Return `compute(self)`, computed once for all proxies; an `UnscorableError` of it is raised every time."""
        if compute not in self._once:
            try:
                self._once[compute] = compute(self)
            except UnscorableError as reason:
                self._once[compute] = reason
        found: T | UnscorableError = self._once[compute]
        if isinstance(found, UnscorableError):
            raise found
        return found

    @cached_property
    def main(self) -> MainPass:
        """The shared pass, run on first use."""
        return MainPass(self, list(self._collectors.values()))

    def __getitem__(self, kind: type[C]) -> C:
        """Return the collector of this kind after the pass; raises `UnscorableError` if no activation was run."""
        if not self.main.activations:
            raise UnscorableError("the network has no activation module (ReLU, SiLU, GELU, ...)")
        return self._collectors[kind]  # type: ignore[return-value]

    def layer_values(self, kind: type[C]) -> C:
        """Return the collector of this kind after the pass, if it reads layers, which every network has."""
        _ = self.main
        return self._collectors[kind]  # type: ignore[return-value]


class MainPass:
    """Forward in training mode, then what `needs` names.

    Attributes:
        weights, gradients: of every convolution and linear layer; zero gradients if the loss does not depend on them.
        jacobian: gradient of the summed outputs with respect to the images, (N, C*H*W), or None.
        product: Hessian times gradient per weight (only with "hessian").
        activations: activation modules that were run.
    """

    def __init__(self, shared: Shared, collectors: Sequence[Collector]):
        net, needs = shared.fresh(), shared.needs
        self.weights = [layer.weight for layer in net.modules() if isinstance(layer, LAYERS)]
        images = shared.images.clone().requires_grad_("jacobian" in needs)
        hooks = CollectorHooks(net, collectors)
        backward = bool(needs & {"gradients", "hessian"})
        with hooks.installed(), torch.set_grad_enabled(backward or "jacobian" in needs):
            logits = first_output(net(images))
        self.activations = hooks.activations
        if not bool(torch.isfinite(logits).all()):
            raise UnscorableError("the network's output is not finite")
        self.classes = logits.shape[1]
        if "jacobian" in needs:
            hooks.open = False
            (found,) = torch.autograd.grad(logits.sum(), images, retain_graph=backward, materialize_grads=True)
            self.jacobian = found.flatten(1)
            hooks.open = True
        if backward:
            hessian = "hessian" in needs
            gradients = torch.autograd.grad(loss_of(logits, shared.labels), self.weights, create_graph=hessian,
                                            materialize_grads=True)
            self.gradients = [gradient.detach() for gradient in gradients]
            if hessian:
                hooks.open = False
                self.product = hessian_product(gradients, self.weights, self.gradients)


def hessian_product(gradients: Sequence[Tensor], weights: Sequence[Tensor], vectors: Sequence[Tensor],
                    keep: bool = False) -> list[Tensor]:
    """Return the Hessian times `vectors`.

    Args:
        gradients: of the loss, with their graph; one per weight.
        vectors: of the shapes of the weights.
        keep: whether the graph is used again.

    Returns:
        One tensor per weight, of its shape.
    """
    along: Any = sum((g * v).sum() for g, v in zip(gradients, vectors, strict=True))
    if not along.requires_grad:
        return [torch.zeros_like(w) for w in weights]
    return list(torch.autograd.grad(along, weights, retain_graph=keep, materialize_grads=True))


def first_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the logits of a network that may return auxiliary logits beside them."""
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def loss_of(logits: Tensor, labels: Tensor | None) -> Tensor:
    """Return the mean cross-entropy; raises `UserError` for labels the network has no class for."""
    if labels is None:
        raise UnscorableError("needs labels")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= logits.shape[1]:
        raise UserError(f"Labels must be 0 to {logits.shape[1] - 1} for a network of {logits.shape[1]} classes, found "
                        f"{low if low < 0 else high}.")
    return F.cross_entropy(logits, labels)
