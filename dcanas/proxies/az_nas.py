"""AZ-NAS: expressivity, progressivity and trainability of a network's blocks (Lee & Ham, CVPR 2024; arXiv 2403.19232).

The published score ranks networks by these three and their MACs (`rank_aggregation.combine`); one network alone has no
rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from dcanas.proxies.collect import LAYERS
from dcanas.proxies.errors import UnscorableError
from dcanas.proxies.proxy import proxy
from dcanas.proxies.proxy_registry import FACTS
from dcanas.proxies.shared import Shared


@dataclass(frozen=True)
class BlockStudy:
    """Per block with a feature map the entropy of its principal components; per pair the trainability."""

    entropy: list[float]
    trainability: list[float]


@proxy(FACTS["az_expressivity"])
def az_expressivity(shared: Shared) -> float:
    """Return the sum over blocks of the entropy of the normalised spectrum of their features' covariance."""
    return sum(shared.once(study_blocks).entropy)


@proxy(FACTS["az_progressivity"])
def az_progressivity(shared: Shared) -> float:
    """Return the smallest growth of that entropy from a block to the next."""
    entropy = shared.once(study_blocks).entropy
    return min(b - a for a, b in pairwise(entropy))


@proxy(FACTS["az_trainability"])
def az_trainability(shared: Shared) -> float:
    """Return the mean over blocks of -s - 1/s + 2, s the spectral norm of the block's Jacobian seen by signs."""
    found = shared.once(study_blocks).trainability
    if -torch.inf in found:
        raise UnscorableError("a block passes its gradient on unchanged, or none: the score is minus infinity")
    return sum(found) / len(found)


def study_blocks(shared: Shared) -> BlockStudy:
    """Return the quantities of the three scores: noise images, weights drawn anew by He's rule (fan in)."""
    net = shared.fresh()
    _draw_weights(net, shared.generator("az_nas weights"))
    features: list[Tensor] = []
    for block in getattr(net, "blocks", ()):
        block.register_forward_hook(lambda module, inputs, output: features.append(output))
    net(shared.noise("az_nas images"))
    maps = [f for f in features if isinstance(f, Tensor) and f.ndim == 4]
    if len(maps) < 2:
        raise UnscorableError("the network does not list two blocks with feature maps")
    signs = shared.generator("az_nas signs")
    return BlockStudy([_entropy(f.detach()) for f in maps],
                      [_trainability(a, b, signs) for a, b in pairwise(maps)])


def _entropy(features: Tensor) -> float:
    rows = features.movedim(1, -1).reshape(-1, features.shape[1])
    rows = rows - rows.mean(0)
    values = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).clamp_min(0)
    if not values.sum() > 0:
        return 0.0
    share = values / values.sum()
    return float(-(share * torch.log(share + 1e-8)).sum())


def _trainability(before: Tensor, after: Tensor, signs: torch.Generator) -> float:
    probe = (torch.randint(2, after.shape, generator=signs) * 2 - 1).to(after)
    (found,) = torch.autograd.grad(after, before, probe, retain_graph=True, allow_unused=True)
    if found is None or torch.equal(found, probe):
        return -torch.inf
    stride = -(-before.shape[-1] // after.shape[-1])
    if stride > 1:  # the pixels that a place of the output stands for become channels; odd sizes end in zeros
        height, width = (stride * side for side in after.shape[-2:])
        found = nn.functional.pad(found, (0, width - found.shape[-1], 0, height - found.shape[-2]))
        found = nn.functional.pixel_unshuffle(found, stride)
    one = found.movedim(1, -1).reshape(-1, found.shape[1])
    two = probe.movedim(1, -1).reshape(-1, probe.shape[1])
    largest = float(torch.linalg.svdvals(one.T @ two / len(two))[0])
    return -largest - 1 / (largest + 1e-6) + 2


def _draw_weights(net: nn.Module, draw: torch.Generator) -> None:
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, LAYERS):
                fan_in = module.weight[0].numel()
                module.weight.copy_(torch.randn(module.weight.shape, generator=draw) * (2 / fan_in) ** 0.5)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
                module.reset_parameters()

