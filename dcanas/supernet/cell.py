"""A cell of the supernet: all candidate operations of all edges, mixed with given weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.spaces import CellSpec, Space
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
    """A cell in which each node is the weighted sum of its incoming candidates; the first nodes are its inputs.

    share: a candidate is evaluated once per source node and serves every edge from it (DCA-NAS, arXiv
        2307.04443); otherwise every edge has candidates of its own (DARTS, arXiv 1806.09055).
    bottleneck: the cell runs in 1 / `bottleneck` of its channels: one 1x1 convolution narrows each input, one
        widens its output, and all nodes between are narrow. So `skip_connect` is the identity between nodes,
        and every way through the cell, skips or convolutions, passes the same maps. Narrowing at every
        source and widening at every target would move three times as many wide tensors for the same rank and
        put two convolutions into every `skip_connect`. Leading skips around the narrow part, on all channels,
        costs more and did not make inherited accuracies rank members better in a small trial on CIFAR-10
        (three seeds). No batch norm follows these maps: it would undo the scale that the mixing weights
        (`none` above all) give to a node.

    The supernet sets `recipe` for the duration of a forward pass.

    Shape: per input node (N, in_channels, H, W) -> (N, outputs * out_channels, H', W'). Raises `UserError` where
    `bottleneck` does not divide the channels.
    """

    def __init__(self, space: Space, spec: CellSpec, bottleneck: int = 1, share: bool = False):
        super().__init__()
        for channels in (spec.in_channels, spec.out_channels):
            if channels % bottleneck:
                raise UserError(f"The bottleneck must divide the supernet's channels, and {bottleneck} does not "
                                f"divide {channels}; choose another bottleneck or another number of channels.")
        self.spec, self.share = spec, share
        inside, outside = spec.in_channels // bottleneck, spec.out_channels // bottleneck
        narrow = [Pointwise(spec.in_channels, inside) for _ in range(spec.inputs if bottleneck > 1 else 0)]
        self.narrow = nn.ModuleList(narrow)
        self.widen = (Pointwise(len(spec.outputs) * outside, len(spec.outputs) * spec.out_channels)
                      if bottleneck > 1 else None)
        self.operations = nn.ModuleDict()
        for edge, slot in enumerate(spec.slots):
            source, _ = spec.edges[edge]
            for option in space.slots[slot].options:
                key = self._key(edge, option)
                if key not in self.operations:
                    candidate = space.candidate(option, inside if source < spec.inputs else outside, outside,
                                                spec.strides[edge])
                    if candidate is not None:
                        self.operations[key] = candidate
        self.recipe: Recipe | None = None

    def candidate(self, term: Term) -> nn.Module | None:
        """Return the operation of this term, None for `none`; with sharing it belongs to several terms."""
        key = self._key(self.spec.slots.index(term[0]), term[1])
        return self.operations[key] if key in self.operations else None  # noqa: SIM401 (ModuleDict has no get)

    def forward(self, *inputs: Tensor) -> Tensor:
        if self.recipe is None:
            raise RuntimeError("A SuperCell runs inside Supernet.forward or Supernet.forward_member only.")
        if self.narrow:
            inputs = tuple(narrow(x) for narrow, x in zip(self.narrow, inputs, strict=True))
        nodes = self._mix(dict(enumerate(inputs)), self.recipe)
        known = next((nodes[node] for node in self.spec.outputs if node in nodes), inputs[0])
        outputs = [nodes[node] if node in nodes else torch.zeros_like(known) for node in self.spec.outputs]
        output = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)
        return output if self.widen is None else self.widen(output)

    def _mix(self, nodes: dict[int, Tensor], recipe: Recipe) -> dict[int, Tensor]:
        outputs: dict[str, Tensor] = {}
        for target, terms in recipe.terms.items():
            values = []
            for slot, option in terms:
                edge = self.spec.slots.index(slot)
                key = self._key(edge, option)
                if key not in outputs:
                    outputs[key] = self.operations[key](nodes[self.spec.edges[edge][0]])
                values.append(outputs[key])
            nodes[target] = weighted_sum(recipe.weights[target], values)
        return nodes

    def _key(self, edge: int, option: str) -> str:
        return f"{self.spec.edges[edge][0] if self.share else edge}:{option}"
