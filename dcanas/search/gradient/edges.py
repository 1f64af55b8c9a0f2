"""Edge normalisation (PC-DARTS; Xu et al., ICLR 2020, section 3.3): edges that meet in a node compete."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.supernet import Supernet


class EdgeWeights:
    """One number per slot, `betas`; a softmax over the edges into each node weighs their mixtures.

    In the choice of edges their logarithm counts beside that of the alphas, so they rank by beta x alpha, as published.
    Raises:
        UserError: no two edges meet in a node.
    """

    def __init__(self, supernet: Supernet, device: torch.device):
        self.meeting = supernet.targets()
        if all(len(slots) == 1 for slots in self.meeting):
            raise UserError(f"search.edge_normalisation=true has no effect in {supernet.space.name}: in none of its "
                            "cells do two edges lead to the same node; set it to false.")
        self.betas = torch.zeros(len(supernet.space.slots), device=device).requires_grad_()

    def __call__(self, rows: Sequence[Tensor]) -> list[Tensor]:
        """Return the mixing weights times those of the edges. Shape: per slot (options,) -> the same."""
        return [row * weight for row, weight in zip(rows, self.logarithms().exp(), strict=True)]

    def logarithms(self) -> Tensor:
        """Return the logarithm of every edge's weight. Shape: (slots,)."""
        found = torch.zeros_like(self.betas)
        for slots in self.meeting:
            found = found.index_put((torch.tensor(slots, device=found.device),), self.betas[slots].log_softmax(0))
        return found
