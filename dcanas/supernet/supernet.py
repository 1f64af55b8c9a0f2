"""All architectures of a space at once, sharing weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from dcanas.basics.errors import UserError
from dcanas.spaces import Architecture, Space
from dcanas.supernet.cell import Recipe, SuperCell, Term


class Supernet(nn.Module):
    """The network of `space.assemble` with every candidate in every cell; all cells share the mixing weights.

    `bottleneck=1, share=False` is the plain DARTS supernet; `SuperCell` explains the two switches. Batch norm
    uses the batch's own statistics, in training and in evaluation; in candidates it has no scale and shift.

    Args:
        space: cells are read from its `slots`, `edges`, `candidate` and `assemble`.
        bottleneck: factor by which channels are narrowed inside the cells.
        share: evaluate a candidate once per source node.
        search_skeleton: overrides of `space.search_skeleton`.

    Raises `UserError` for a bottleneck that does not divide the channels, or unknown skeleton options.
    """

    def __init__(self, space: Space, num_classes: int = 10, in_channels: int = 3, bottleneck: int = 1,
                 share: bool = False, **search_skeleton: Any):
        super().__init__()
        if bottleneck < 1 or bottleneck != int(bottleneck):
            raise UserError(f"The bottleneck must be a whole number from 1 (none) on, got {bottleneck}; "
                            "choose a divisor of the supernet's channels.")
        self.space, self.bottleneck, self.share = space, int(bottleneck), bool(share)
        self.skeleton = {**space.search_skeleton, **search_skeleton}
        self.network = space.assemble(
            lambda channels: SuperCell(space, channels, self.bottleneck, self.share),
            num_classes, in_channels, **self.skeleton)
        for module in self.network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                _use_batch_statistics(module)

    @property
    def cells(self) -> list[SuperCell]:
        """The cells, from the input on."""
        return [module for module in self.network.modules() if isinstance(module, SuperCell)]

    def forward(self, images: Tensor, mixing: Tensor | Sequence[Tensor]) -> Tensor:
        """Return the logits of the mixture.

        mixing: per slot one weight per option; the weight of `none` is not used (it adds zero).
        Shape: images (N, in_channels, H, W), mixing (slots, options) or per slot (options,)
        -> (N, num_classes).
        """
        shapes = [tuple(row.shape) for row in mixing]
        wanted = [(len(slot.options),) for slot in self.space.slots]
        if shapes != wanted:
            raise ValueError(f"mixing must have the shapes {wanted}, one per slot, got {shapes}")
        cell = self.cells[0]
        weights = {(edge, option): weight
                   for edge, (slot, row) in enumerate(zip(self.space.slots, mixing, strict=True))
                   for option, weight in zip(slot.options, row.unbind(), strict=True)
                   if cell.candidate((edge, option)) is not None}
        with self._running(weights):
            return self.network(images)

    def forward_member(self, images: Tensor, arch: Architecture) -> Tensor:
        """Return the logits of one architecture with inherited weights; only its live operations run.

        Shape: images (N, in_channels, H, W) -> (N, num_classes). Equals `forward` at one-hot mixing.
        """
        one = torch.ones((), dtype=images.dtype, device=images.device)
        choices = self.space.prune(arch).choices
        chosen = [(edge, slot.options[choice])
                  for edge, (slot, choice) in enumerate(zip(self.space.slots, choices, strict=True))]
        cell = self.cells[0]
        weights = {term: one for term in chosen if cell.candidate(term) is not None}
        with self._running(weights):
            return self.network(images)

    @contextmanager
    def _running(self, weights: dict[Term, Tensor]) -> Iterator[None]:
        """Lend the recipe of these weighted terms to all cells."""
        cells = self.cells
        recipe = _recipe(self.space.edges, weights)
        try:
            for cell in cells:
                cell.recipe = recipe
            yield
        finally:
            for cell in cells:
                cell.recipe = None


def _recipe(edges: Sequence[tuple[int, int]], weights: dict[Term, Tensor]) -> Recipe:
    terms: dict[int, list[Term]] = {}
    for term in sorted(weights, key=lambda term: edges[term[0]][1]):
        terms.setdefault(edges[term[0]][1], []).append(term)
    return Recipe({target: tuple(summed) for target, summed in terms.items()},
                  {target: torch.stack([weights[term] for term in summed]) for target, summed in terms.items()})


def _use_batch_statistics(norm: nn.modules.batchnorm._BatchNorm) -> None:
    norm.track_running_stats = False
    norm.running_mean = norm.running_var = norm.num_batches_tracked = None
