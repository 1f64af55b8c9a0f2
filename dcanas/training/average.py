"""The exponential moving average of a network's weights (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """Averages of all weights and batch-norm statistics; counters are copied.

    The decay of update t (from 1) is min(decay, (1 + t) / (10 + t)), so that the average of a short training is not
    dominated by its beginning.
    """

    def __init__(self, network: nn.Module, decay: float):
        self.decay = decay
        self.values: dict[str, Tensor] = {name: v.detach().clone() for name, v in network.state_dict().items()}

    def update(self, network: nn.Module, step: int) -> None:
        """Move the averages towards the network's weights after step `step` (from 1)."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        state = network.state_dict()
        floats = [name for name, value in self.values.items() if value.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([self.values[name] for name in floats], [state[name] for name in floats], share)
            for name in self.values.keys() - floats:
                self.values[name].copy_(state[name])

    def deliver(self, network: nn.Module) -> None:
        """Replace the network's weights by the averages."""
        network.load_state_dict(self.values)

    def load(self, values: dict[str, Any]) -> None:
        """Restore averages from a checkpoint."""
        for name, value in self.values.items():
            value.copy_(values[name])
