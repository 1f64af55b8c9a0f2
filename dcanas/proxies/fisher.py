"""Fisher pruning: what the loss would feel if a channel went (Theis et al. 2018; Turner et al., ICLR 2020)."""

from __future__ import annotations

from torch import Tensor, nn

from dcanas.proxies.collect import Collector
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


class ChannelFisher(Collector):
    """Sums, over layers, half the mean squared (activation x gradient) of a channel for each of its weights."""

    gradients = True

    def __init__(self) -> None:
        self.total = 0.0

    def layer_gradient(self, layer: nn.Module, output: Tensor, gradient: Tensor) -> None:
        product = output * gradient
        per_sample = product.flatten(2).sum(2) if product.ndim > 2 else product
        channels = per_sample.square().mean(0) / 2
        self.total += float(channels.sum()) * layer.weight[0].numel()  # type: ignore[index]


@proxy(FACTS["fisher"], needs=["gradients"], collect=[ChannelFisher])
def fisher(shared: Shared) -> float:
    """Return the sum over weights of their channel's Fisher information, as the zero-cost benchmarks repeat it."""
    return shared.layer_values(ChannelFisher).total
