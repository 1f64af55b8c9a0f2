"""Multiply-accumulates: the other baseline. Published tables call this number FLOPs."""

from dcanas.costs import count_macs
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@proxy(FACTS["flops"])
def flops(shared: Shared) -> float:
    """Return the multiply-accumulates of convolutions and linear layers for one image, in millions.

    NAS-Bench-Suite-Zero's `flops` is another counting (batch norm and pooling included); the order is nearly the same.
    """
    channels, height, width = shared.images.shape[1:]
    return count_macs(shared.net, (channels, height, width)) / 1e6
