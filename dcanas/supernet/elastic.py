"""An elastic supernet: one network whose slices are the members of a space (Once-for-All, BigNAS).

A member's weights are cut out of the largest member's: the first channels of every filter, the centre of every
kernel, some blocks of every stage. The last layer is no slice where a space says so (`Space.last_layer`): features of
other stages mean other things. That asks one thing of a space: equal parameter names (apart from a network's
`origins`), and nothing larger than in the largest member. Members are built by the space itself, so that a slice and
the delivered network are the same function by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, Space
from dcanas.spaces.slicing import cut
from dcanas.supernet.batch_statistics import use_batch_statistics

MEMBERS = 256  # outlines kept ready


class ElasticSupernet(nn.Module):
    """The largest member within a space's bounds, run as any member.

    Args:
        space: bounded (`Space.within`), so that it knows its largest member.
        skeleton: of the final network, which inherits the weights.

    Shape: `forward(x, arch)`: (N, in_channels, H, W) -> (N, num_classes), always with the batch's own statistics.

    Raises:
        UserError: the members of the space are not slices of one another.
    """

    def __init__(self, space: Space, num_classes: int, in_channels: int, **skeleton: Any):
        super().__init__()
        if not space.elastic:
            raise UserError(f"Space {space.name} has no elastic supernet; use search=differentiable or another space.")
        self.space = space
        self._build = lru_cache(MEMBERS)(lambda arch: _outline(space, arch, num_classes, in_channels, skeleton))
        self.largest_member, self.smallest_member = space.extremes()
        self.largest = space.build(self.largest_member, num_classes, in_channels, **skeleton)
        self.heads = nn.ModuleDict({
            space.last_layer(member): space.build(member, num_classes, in_channels, **skeleton).get_submodule("head")
            for member in space.cuts()})
        self.skeleton = skeleton
        self._arguments = (num_classes, in_channels, skeleton)

    def forward(self, x: Tensor, arch: Architecture) -> Tensor:
        outline = self._build(arch).train(self.training)
        logits: Tensor = functional_call(outline, self._inherited(outline, arch), (x,))
        return logits

    def masked(self, x: Tensor, arch: Architecture, masks: Mapping[str, Tensor]) -> Tensor:
        """Return the logits of a member whose weights are multiplied by masks, by their name in it."""
        outline = self._build(arch).train(self.training)
        weights = self._inherited(outline, arch)
        weights |= {name: weights[name] * mask for name, mask in masks.items()}
        logits: Tensor = functional_call(outline, weights, (x,))
        return logits

    def member_network(self, arch: Architecture) -> nn.Module:
        """Return a member as a network of its own with inherited weights; batch statistics are fresh."""
        num_classes, in_channels, skeleton = self._arguments
        with torch.random.fork_rng(devices=[]):
            network = self.space.build(arch, num_classes, in_channels, **skeleton)
        self.bequeath(network, arch)
        return network.to(next(self.largest.parameters()).device)

    def bequeath(self, network: nn.Module, arch: Architecture | None = None) -> None:
        """Copy the inherited weights into a member's network, in place; arch: needed if cuts have own last layers."""
        inherited = self._inherited(network, arch)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter.copy_(inherited[name])

    def _inherited(self, network: nn.Module, arch: Architecture | None) -> dict[str, Tensor]:
        """Return the slice of every parameter; a block behind absent ones is the largest's block at its place."""
        full, origins = dict(self.largest.named_parameters()), getattr(network, "origins", {})
        if arch is not None and (own := self.space.last_layer(arch)) in self.heads:
            full |= {f"head.{name}": parameter for name, parameter in self.heads[own].named_parameters()}
        found = {}
        for name, parameter in network.named_parameters():
            block = ".".join(name.split(".")[:3])  # stages.S.B
            found[name] = cut(full[origins.get(block, block) + name[len(block):]], parameter.shape)
        return found


def recalibrate(network: nn.Module, batches: list[Tensor]) -> None:
    """Set the running statistics of every batch norm to the mean over batches under the network's present weights.

    Inherited weights see other statistics in every member, so running averages of the supernet are useless.

    Args:
        batches: normalised images, each (N, C, H, W).
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
    network.train()
    dropouts = [m for m in network.modules() if isinstance(m, nn.Dropout)]
    for dropout in dropouts:
        dropout.eval()
    with torch.no_grad():
        for images in batches:
            network(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def _outline(space: Space, arch: Architecture, num_classes: int, in_channels: int,
             skeleton: dict[str, Any]) -> nn.Module:
    """Return the member without weights, its batch norms using batch statistics only."""
    with torch.random.fork_rng(devices=[]):  # building on the meta device takes ten times as long
        network = space.build(arch, num_classes, in_channels, **skeleton).to("meta")
    use_batch_statistics(network)
    return network
