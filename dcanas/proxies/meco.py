"""MeCo: how independent the channels are (Jiang et al., NeurIPS 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared

SIDE = 64


@proxy(FACTS["meco"])
def meco(shared: Shared) -> float:
    """Return the sum over modules of the smallest eigenvalue of their channels' Pearson matrix.

    The input is one 64x64 noise image. As released every module counts, containers too; an output of one position
    per channel, or with a constant channel, has no such matrix and adds nothing.
    """
    net = shared.fresh()
    found: list[float] = []

    def note(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            found.append(_smallest(output[0].flatten(1)))

    image = shared.noise("meco", (1, shared.images.shape[1], SIDE, SIDE))
    for module in net.modules():
        module.register_forward_hook(note)
    try:
        with torch.no_grad():
            net(image)
    except ValueError as error:  # batch norm cannot normalise one value per channel
        raise UnscorableError("one image of 64x64 leaves a batch norm a single value per channel") from error
    return sum(found)


def _smallest(channels: Tensor) -> float:
    if len(channels) >= channels.shape[1]:
        return 0.0  # of rank at most positions - 1, so singular
    matrix = torch.corrcoef(channels.double())
    if not bool(torch.isfinite(matrix).all()):
        return 0.0
    return float(torch.linalg.eigvalsh(matrix.reshape(len(channels), -1))[0])
