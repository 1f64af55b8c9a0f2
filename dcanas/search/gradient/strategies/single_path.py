"""One member per step: weights are trained on all members uniformly, alphas by score function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dcanas.basics.errors import UserError
from dcanas.search.gradient.strategies.strategy import Mixture, Strategy


@dataclass(eq=False)
class SinglePath(Strategy):
    """Train one uniformly drawn member per step (SPOS); alphas learn from sampled losses by REINFORCE.

    Weights: Guo et al., ECCV 2020, section 3. Alphas: a code drawn from softmax(alpha), its validation loss against a
    moving average times the gradient of its log-probability (Williams, 1992; as ProxylessNAS, section 3.3.2); limits
    enter exactly, by the expected costs. Raises `UserError` if slots cannot be drawn independently.
    """

    differentiable = False

    def __post_init__(self) -> None:
        if self.space.groups:
            raise UserError(f"search.strategy=single_path draws every slot on its own, which {self.space.name} does "
                            "not allow (exactly k of some slots are used); choose softmax, gumbel, gdas or dirichlet.")

    def mix(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        chosen = tuple(int(torch.multinomial(row.detach().softmax(0), 1)) for row in alphas)
        likelihood = torch.stack([row.log_softmax(0)[c] for row, c in zip(alphas, chosen, strict=True)]).sum()
        return Mixture(_one_hot(alphas, chosen), chosen, likelihood)

    def mix_for_weights(self, alphas: Sequence[Tensor], progress: float) -> Mixture:
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        chosen = self.space.sample(rng).choices
        return Mixture(_one_hot(alphas, chosen), chosen)


def _one_hot(alphas: Sequence[Tensor], chosen: Sequence[int]) -> list[Tensor]:
    return [F.one_hot(torch.tensor(c), len(row)).to(row) for row, c in zip(alphas, chosen, strict=True)]
