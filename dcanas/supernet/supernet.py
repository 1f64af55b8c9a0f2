"""All architectures of a space at once, sharing weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.spaces import Space
from dcanas.supernet.batch_statistics import use_batch_statistics
from dcanas.supernet.cell import CellTerms, SuperCell, Term


class Supernet(nn.Module):
    """The network of `space.assemble` with every candidate in every cell; cells of the same slots share mixing weights.

    `bottleneck=1, share=False` is the plain DARTS supernet; `SuperCell` explains the two switches. Batch norm
    uses the batch's own statistics, in training and in evaluation; in candidates it has no scale and shift.

    Args:
        space: cells are read from its `slots`, `candidate` and `assemble`.
        bottleneck: factor by which channels are narrowed inside the cells.
        share: evaluate a candidate once per source node.
        partial_channels: only one in so many channels goes through the candidates (PC-DARTS; 1: all do).
        search_skeleton: overrides of `space.search_skeleton`.

    Raises:
        UserError: a bottleneck that does not divide the channels, unknown skeleton options, or sharing in a space where
            no two edges of a cell leave the same node.
    """

    def __init__(self, space: Space, num_classes: int = 10, in_channels: int = 3, bottleneck: int = 1,
                 share: bool = False, partial_channels: int = 1, **search_skeleton: Any):
        super().__init__()
        self.space, self.bottleneck = space, bottleneck
        self.skeleton = {**space.search_skeleton, **search_skeleton}
        self.network = space.assemble(lambda spec: SuperCell(space, spec, bottleneck, share, partial_channels),
                                      num_classes, in_channels, **self.skeleton)
        self.cells = [module for module in self.network.modules() if isinstance(module, SuperCell)]
        if share and all(len({source for source, _ in cell.spec.edges}) == len(cell.spec.edges) for cell in self.cells):
            raise UserError(f"search.share=true has no effect in {space.name}: in none of its cells do two edges leave "
                            "the same node; set search.share=false.")
        use_batch_statistics(self.network)

    def parameter_counts(self) -> list[list[int]]:
        """Return the number of parameters of every candidate, 0 for `none`. Shape: per slot (options,)."""
        counts = []
        for i, slot in enumerate(self.space.slots):
            cell = next(cell for cell in self.cells if i in cell.spec.slots)
            operations = [cell.candidates.get((i, option)) for option in slot.options]
            counts.append([sum(p.numel() for p in operation.parameters()) if operation else 0
                           for operation in operations])
        return counts

    def targets(self) -> list[list[int]]:
        """Return the slots by the node they lead to: of each list, the edges that meet in one node."""
        meeting: dict[tuple[tuple[int, ...], int], list[int]] = {}
        for cell in {cell.spec.slots: cell for cell in self.cells}.values():
            for slot, (_, target) in zip(cell.spec.slots, cell.spec.edges, strict=True):
                meeting.setdefault((cell.spec.slots, target), []).append(slot)
        return list(meeting.values())

    def forward(self, images: Tensor, mixing: Tensor | Sequence[Tensor],
                chosen: Sequence[int] | None = None) -> Tensor:
        """Return the logits of the mixture (N, num_classes).

        Args:
            images: (N, in_channels, H, W).
            mixing: (slots, options), or per slot (options,): the weights of the options; that of `none` is not used
                (it adds zero).
            chosen: per slot the one option that runs, if the weights of the others are zero; None: all run.
        """
        shapes = [tuple(row.shape) for row in mixing]
        wanted = [(len(slot.options),) for slot in self.space.slots]
        if shapes != wanted:
            raise ValueError(f"mixing must have the shapes {wanted}, one per slot, got {shapes}")
        weights = {(i, option): weight
                   for i, (slot, row) in enumerate(zip(self.space.slots, mixing, strict=True))
                   for o, (option, weight) in enumerate(zip(slot.options, row.unbind(), strict=True))
                   if chosen is None or o == chosen[i]}
        edges = [row.sum() for row in mixing]
        found: dict[tuple[int, ...], CellTerms] = {}  # cells with the same slots have the same terms
        try:
            for cell in self.cells:
                if cell.spec.slots not in found:
                    found[cell.spec.slots] = _terms_of(cell, weights, edges)
                cell.active = found[cell.spec.slots]
            logits: Tensor = self.network(images)
        finally:
            for cell in self.cells:
                cell.active = None
        return logits


def _terms_of(cell: SuperCell, weights: Mapping[Term, Tensor], edges: Sequence[Tensor]) -> CellTerms:
    targets = {slot: target for slot, (_, target) in zip(cell.spec.slots, cell.spec.edges, strict=True)}
    terms: dict[int, list[Term]] = {}
    for term in sorted((t for t in weights if t[0] in targets), key=lambda term: targets[term[0]]):
        if term in cell.candidates:
            terms.setdefault(targets[term[0]], []).append(term)
    return CellTerms({target: tuple(summed) for target, summed in terms.items()},
                     {target: torch.stack([weights[term] for term in summed]) for target, summed in terms.items()},
                     {slot: edges[slot] for slot in cell.spec.slots})
