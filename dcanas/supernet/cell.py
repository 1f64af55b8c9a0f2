"""A cell of the supernet: all candidate operations of all edges, mixed with given weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.spaces import CellSpec, Space
from dcanas.supernet.mix import weighted_sum
from dcanas.supernet.partial import bypass, check_partial, shuffle
from dcanas.supernet.pointwise import Pointwise

Term = tuple[int, str]  # (slot, option): one candidate operation on one edge


@dataclass(frozen=True)
class CellTerms:
    """What the cells of the same slots compute in one forward pass.

    Attributes:
        terms: per target node, in ascending order, the candidates that are summed there.
        weights: per target node their mixing weights (len(terms[target]),).
        edges: per slot the sum of its mixing weights, by which channels that bypass the candidates are weighted.
    """

    terms: dict[int, tuple[Term, ...]]
    weights: dict[int, Tensor]
    edges: dict[int, Tensor]


class SuperCell(nn.Module):
    """A cell in which each node is the weighted sum of its incoming candidates; the first nodes are its inputs.

    The bottleneck narrows each input by one 1x1 convolution and widens the cell's output by another; all nodes between
    are narrow. So `skip_connect` is the identity between nodes, and every path through the cell, skips or convolutions,
    passes the same maps. Narrowing at every source and widening at every target would move three times as many wide
    tensors for the same rank and put two convolutions into every `skip_connect`. Leading skips around the narrow part,
    on all channels, costs more and did not make inherited accuracies rank members better in a small trial on CIFAR-10
    (three seeds). No batch norm follows these maps: it would undo the scale that the mixing weights (`none` above all)
    give to a node.

    The supernet sets `active` for the duration of a forward pass.

    Args:
        bottleneck: the cell runs in 1 / `bottleneck` of its channels.
        share: a candidate is evaluated once per source node and serves every edge from it (DCA-NAS, arXiv 2307.04443);
            otherwise every edge has candidates of its own (DARTS, arXiv 1806.09055).
        partial: only 1 / `partial` of each node's channels go through the candidates of an edge, the others bypass them
            (PC-DARTS, see `dcanas.supernet.partial`).

    Shape: per input node (N, in_channels, H, W) -> (N, outputs * out_channels, H', W').

    Raises `UserError` if `bottleneck` does not divide the channels.
    """

    def __init__(self, space: Space, spec: CellSpec, bottleneck: int = 1, share: bool = False, partial: int = 1):
        super().__init__()
        for channels in (spec.in_channels, spec.out_channels):
            if bottleneck < 1 or channels % bottleneck:
                raise UserError(f"The bottleneck must divide the supernet's channels, and {bottleneck} does not "
                                f"divide {channels}; choose another bottleneck or another number of channels.")
        if partial > 1:
            check_partial(space, spec, bottleneck, partial)
        self.spec, self.partial = spec, partial
        inside, outside = spec.in_channels // bottleneck, spec.out_channels // bottleneck
        narrow = [Pointwise(spec.in_channels, inside) for _ in range(spec.inputs if bottleneck > 1 else 0)]
        self.narrow = nn.ModuleList(narrow)
        self.widen = (Pointwise(len(spec.outputs) * outside, len(spec.outputs) * spec.out_channels)
                      if bottleneck > 1 else None)
        self.operations = nn.ModuleDict()
        self.candidates: dict[Term, nn.Module] = {}  # all but `none`; with sharing one operation of several terms
        for edge, slot in enumerate(spec.slots):
            source, _ = spec.edges[edge]
            for option in space.slots[slot].options:
                key = f"{source if share else edge}:{option}"
                if key not in self.operations:
                    candidate = space.candidate(option, (inside if source < spec.inputs else outside) // partial,
                                                outside // partial, spec.strides[edge])
                    if candidate is not None:
                        self.operations[key] = candidate
                if key in self.operations:
                    self.candidates[slot, option] = self.operations[key]
        self.active: CellTerms | None = None

    def forward(self, *inputs: Tensor) -> Tensor:
        if self.active is None:
            raise RuntimeError("A SuperCell runs inside Supernet.forward only.")
        if self.narrow:
            inputs = tuple(narrow(x) for narrow, x in zip(self.narrow, inputs, strict=True))
        nodes = self._mix(dict(enumerate(inputs)), self.active)
        known = next((nodes[node] for node in self.spec.outputs if node in nodes), None)
        nothing = self._nothing(inputs[0]) if known is None else torch.zeros_like(known)
        outputs = [nodes.get(node, nothing) for node in self.spec.outputs]
        output = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)
        return output if self.widen is None else self.widen(output)

    def _mix(self, nodes: dict[int, Tensor], active: CellTerms) -> dict[int, Tensor]:
        outputs: dict[nn.Module, Tensor] = {}
        for target in sorted({target for _, target in self.spec.edges}):
            values, summed = [], []
            for position, (slot, option) in enumerate(active.terms.get(target, ())):
                source = nodes.get(self.spec.edges[self.spec.slots.index(slot)][0])
                if source is None:
                    continue  # nothing reaches that node: candidates of zero are zero
                candidate = self.candidates[slot, option]
                if candidate not in outputs:
                    through = source.shape[1] // self.partial
                    outputs[candidate] = candidate(source.narrow(1, 0, through) if self.partial > 1 else source)
                values.append(outputs[candidate])
                summed.append(position)
            mixed = None
            if values:
                weights = active.weights[target]
                mixed = weighted_sum(weights if len(summed) == len(weights) else weights[summed], values)
            if self.partial > 1:
                mixed = self._join(mixed, nodes, target, active)
            if mixed is not None:
                nodes[target] = mixed
        return nodes

    def _join(self, mixed: Tensor | None, nodes: dict[int, Tensor], target: int, active: CellTerms) -> Tensor:
        """Return a node of all channels: what candidates made of some, and what passed by them."""
        passing = [(active.edges[slot], bypass(nodes[source], self.partial, stride))
                   for slot, (source, end), stride in zip(self.spec.slots, self.spec.edges, self.spec.strides,
                                                          strict=True) if end == target and source in nodes]
        passed = weighted_sum(torch.stack([weight for weight, _ in passing]), [value for _, value in passing])
        if mixed is None:
            n, channels, height, width = passed.shape
            mixed = passed.new_zeros(n, channels // (self.partial - 1), height, width)
        return shuffle(torch.cat([mixed, passed], 1), self.partial)

    def _nothing(self, x: Tensor) -> Tensor:
        """Return the output node that nothing reaches."""
        stride = max(self.spec.strides)
        n, _, height, width = x.shape
        channels = self.spec.out_channels * x.shape[1] // self.spec.in_channels
        return x.new_zeros(n, channels, -(-height // stride), -(-width // stride))
