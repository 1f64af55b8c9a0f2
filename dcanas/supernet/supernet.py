"""All architectures of a space at once, sharing weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, CellSpec, Space
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

    Raises `UserError` for a bottleneck that does not divide the channels, unknown skeleton options, and for sharing
    where it means nothing: in no cell two edges leave one node.
    """

    def __init__(self, space: Space, num_classes: int = 10, in_channels: int = 3, bottleneck: int = 1,
                 share: bool = False, partial_channels: int = 1, **search_skeleton: Any):
        super().__init__()
        if bottleneck < 1 or bottleneck != int(bottleneck):
            raise UserError(f"The bottleneck must be a whole number from 1 (none) on, got {bottleneck}; "
                            "choose a divisor of the supernet's channels.")
        self.space, self.bottleneck, self.share = space, int(bottleneck), bool(share)
        self.skeleton = {**space.search_skeleton, **search_skeleton}
        self.network = space.assemble(
            lambda spec: SuperCell(space, spec, self.bottleneck, self.share, partial_channels),
            num_classes, in_channels, **self.skeleton)
        if self.share and not any(_fans_out(cell.spec) for cell in self.cells):
            raise UserError(f"search.share=true means nothing in {space.name}: in none of its cells two edges leave "
                            "one node; set search.share=false.")
        for module in self.network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                _use_batch_statistics(module)

    @property
    def cells(self) -> list[SuperCell]:
        """The cells, from the input on."""
        return [module for module in self.network.modules() if isinstance(module, SuperCell)]

    def candidate(self, slot: int, option: int) -> nn.Module | None:
        """Return the operation of a slot's option in the first cell that has the slot, None for `none`."""
        cell = next(cell for cell in self.cells if slot in cell.spec.slots)
        return cell.candidate((slot, self.space.slots[slot].options[option]))

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
        with self._running(weights, [row.sum() for row in mixing]):
            return self.network(images)

    def forward_member(self, images: Tensor, arch: Architecture) -> Tensor:
        """Return the logits (N, num_classes) of one architecture with inherited weights; only its live operations run.

        Equals `forward` at one-hot mixing.

        Args:
            images: (N, in_channels, H, W).
        """
        one = torch.ones((), dtype=images.dtype, device=images.device)
        choices = self.space.prune(arch).choices
        weights = {(i, slot.options[choice]): one
                   for i, (slot, choice) in enumerate(zip(self.space.slots, choices, strict=True))}
        with self._running(weights, [one] * len(self.space.slots)):
            return self.network(images)

    @contextmanager
    def _running(self, weights: dict[Term, Tensor], edges: Sequence[Tensor]) -> Iterator[None]:
        """Give every cell its weighted terms for a forward pass; those that nothing is built for weigh nothing."""
        cells = self.cells
        found: dict[tuple[int, ...], CellTerms] = {}  # cells with the same slots have the same terms
        try:
            for cell in cells:
                if cell.spec.slots not in found:
                    found[cell.spec.slots] = _terms_of(cell, weights, edges)
                cell.active = found[cell.spec.slots]
            yield
        finally:
            for cell in cells:
                cell.active = None


def _terms_of(cell: SuperCell, weights: Mapping[Term, Tensor], edges: Sequence[Tensor]) -> CellTerms:
    targets = {slot: target for slot, (_, target) in zip(cell.spec.slots, cell.spec.edges, strict=True)}
    terms: dict[int, list[Term]] = {}
    for term in sorted((t for t in weights if t[0] in targets), key=lambda term: targets[term[0]]):
        if cell.candidate(term) is not None:
            terms.setdefault(targets[term[0]], []).append(term)
    return CellTerms({target: tuple(summed) for target, summed in terms.items()},
                     {target: torch.stack([weights[term] for term in summed]) for target, summed in terms.items()},
                     {slot: edges[slot] for slot in cell.spec.slots})


def _fans_out(spec: CellSpec) -> bool:
    sources = [source for source, _ in spec.edges]
    return len(set(sources)) < len(sources)


def _use_batch_statistics(norm: nn.modules.batchnorm._BatchNorm) -> None:
    norm.track_running_stats = False
    norm.running_mean = norm.running_var = norm.num_batches_tracked = None
