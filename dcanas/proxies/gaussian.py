"""What zen and phi have in common: a network with Gaussian weights, fed noise and slightly different noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcanas.proxies.collect import LAYERS
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.shared import Shared

STEP = 0.01


@dataclass(frozen=True)
class Perturbed:
    """The mean L1 change of the last feature map, and the network as the two passes left it."""

    change: float
    net: nn.Module


def perturb(shared: Shared) -> Perturbed:
    """Run a copy with all weights from N(0, 1) on noise x and on x + 0.01 noise, batch norm on its batches."""
    net = shared.fresh()
    draw = shared.generator("gaussian weights")
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, LAYERS):
                module.weight.copy_(torch.randn(module.weight.shape, generator=draw))
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.reset_running_stats()
                if module.affine:
                    module.reset_parameters()
        images = shared.noise("gaussian images")
        first = features_before_pooling(net, images)
        second = features_before_pooling(net, images + STEP * shared.noise("gaussian step"))
    if first is None or second is None:
        raise UnscorableError("the network has no feature map that could be compared")
    change = float((first - second).abs().flatten(1).sum(1).mean())
    if not change > 0:
        raise UnscorableError("a small change of the images changes nothing in the last feature map")
    return Perturbed(change, net)


def features_before_pooling(net: nn.Module, images: Tensor) -> Tensor | None:
    """Return the last feature map: what goes into the last adaptive average pooling, or what a layer puts out after it.

    The second for networks that pool by a function; gates of one position are no feature maps. None without any.
    """
    seen: list[Tensor] = []

    def entering(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[:] = [inputs[0]]

    def leaving(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            seen[:] = [output]

    handles = [m.register_forward_pre_hook(entering) if isinstance(m, nn.AdaptiveAvgPool2d)
               else m.register_forward_hook(leaving) for m in net.modules() if not list(m.children())]
    try:
        net(images)
    finally:
        for handle in handles:
            handle.remove()
    return seen[0] if seen else None
