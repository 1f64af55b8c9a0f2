"""A cell of the supernet: all candidate operations of all edges, mixed with given weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.spaces import Space
from dcanas.supernet.mix import weighted_sum
from dcanas.supernet.pointwise import Pointwise

Term = tuple[int, str]  # (slot, option): one candidate operation on one edge


@dataclass(frozen=True)
class Recipe:
    """What every cell does in one forward pass.

    Attributes:
        terms: per target node, in ascending order, the candidates that are summed there.
        weights: per target node their mixing weights, shape (len(terms[target]),).
    """

    terms: dict[int, tuple[Term, ...]]
    weights: dict[int, Tensor]


class SuperCell(nn.Module):
    """A cell in which each node is the weighted sum of its incoming candidates; node 0 is its input.

    share: a candidate is evaluated once per source node and serves every edge from it (DCA-NAS, arXiv
        2307.04443); otherwise every edge has candidates of its own (DARTS, arXiv 1806.09055).
    bottleneck: the cell runs in `channels / bottleneck` channels: one 1x1 convolution narrows its input, one
        widens its output, and all nodes between are narrow. So `skip_connect` is the identity between nodes,
        and every way through the cell, skips or convolutions, passes the same two maps. Narrowing at every
        source and widening at every target would move three times as many wide tensors for the same rank and
        put two convolutions into every `skip_connect`. Leading skips around the narrow part, on all channels,
        costs more and did not make inherited accuracies rank members better in a small trial on CIFAR-10
        (three seeds). No batch norm follows either map: it would undo the scale that the mixing weights
        (`none` above all) give to a node.

    The supernet sets `recipe` for the duration of a forward pass.

    Shape: (N, channels, H, W) -> (N, channels, H, W). Raises `UserError` where `bottleneck` does not divide
    `channels`.
    """

    def __init__(self, space: Space, channels: int, bottleneck: int = 1, share: bool = False):
        super().__init__()
        if channels % bottleneck:
            raise UserError(f"The bottleneck must divide the supernet's channels, and {bottleneck} does not "
                            f"divide {channels}; choose another bottleneck or another number of channels.")
        self.edges, self.share = space.edges, share
        self.output = max(target for _, target in self.edges)
        self.narrow = Pointwise(channels, channels // bottleneck) if bottleneck > 1 else None
        self.widen = Pointwise(channels // bottleneck, channels) if bottleneck > 1 else None
        self.operations = nn.ModuleDict()
        for edge, slot in enumerate(space.slots):
            for option in slot.options:
                key = self._key(edge, option)
                if key not in self.operations:
                    candidate = space.candidate(option, channels // bottleneck)
                    if candidate is not None:
                        self.operations[key] = candidate
        self.recipe: Recipe | None = None

    def candidate(self, term: Term) -> nn.Module | None:
        """Return the operation of this term, None for `none`; with sharing it belongs to several terms."""
        key = self._key(*term)
        return self.operations[key] if key in self.operations else None  # noqa: SIM401 (ModuleDict has no get)

    def forward(self, x: Tensor) -> Tensor:
        if self.recipe is None:
            raise RuntimeError("A SuperCell runs inside Supernet.forward or Supernet.forward_member only.")
        if self.output not in self.recipe.terms:
            return torch.zeros_like(x)
        if self.narrow is None or self.widen is None:
            return self._mix(x, self.recipe)
        return self.widen(self._mix(self.narrow(x), self.recipe))

    def _mix(self, x: Tensor, recipe: Recipe) -> Tensor:
        nodes = {0: x}
        outputs: dict[str, Tensor] = {}
        for target, terms in recipe.terms.items():
            values = []
            for edge, option in terms:
                key = self._key(edge, option)
                if key not in outputs:
                    outputs[key] = self.operations[key](nodes[self.edges[edge][0]])
                values.append(outputs[key])
            nodes[target] = weighted_sum(recipe.weights[target], values)
        return nodes[self.output]

    def _key(self, edge: int, option: str) -> str:
        return f"{self.edges[edge][0] if self.share else edge}:{option}"
