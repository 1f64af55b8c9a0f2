"""One architecture of a supernet, run with the weights that it shares."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, tensor

from dcanas.spaces import Architecture
from dcanas.supernet import Supernet


def run_member(net: Supernet, images: Tensor, arch: Architecture) -> Tensor:
    """Return the logits; only live operations run."""
    choices = net.space.prune(arch).choices
    rows = [F.one_hot(tensor(choice), len(slot.options)).float()
            for slot, choice in zip(net.space.slots, choices, strict=True)]
    return net(images, rows, choices)
