"""Whether a network computes as the weights that it starts from have been trained to be used."""

from __future__ import annotations

from typing import Any

from torch import nn

from dcanas.pretrained.sources import Source
from dcanas.spaces.mbconv_network import ACTIVATIONS, Network, SameConv2d


def other_conditions(network: nn.Module, source: Source) -> dict[str, tuple[Any, Any]]:
    """Return the skeleton options in which a network of `mbconv` differs from a source: (the network's, the source's).

    Nothing is known of networks of other spaces.
    """
    modules = [module for part in network.modules() if isinstance(part, Network) for module in part.modules()]
    if not modules:
        return {}
    own = {"activation": next(name for name, kind in ACTIVATIONS.items() if kind in map(type, modules)),
           "padding": "same" if SameConv2d in map(type, modules) else "torch",
           "epsilon": next(module.eps for module in modules if isinstance(module, nn.BatchNorm2d))}
    return {name: (own[name], value) for name, value in source.skeleton.items() if own[name] != value}
