"""The first stages of a pretrained network keep their weights: edges and textures are the same in all photographs."""

from __future__ import annotations

from torch import nn

from dcanas.spaces.mbconv_network import Network
from dcanas.spaces.mbconv_notation import Chain

TRAINED = 2  # stages that train at least


def freeze_first(network: nn.Module, chain: Chain, whole: Chain, stages: int) -> None:
    """Exclude the stem and the first stages from training, in place.

    Fewer stay as they are if not `TRAINED` stages would be left, or if parts of them are absent: what comes after a
    missing block or channel has to learn to do without.

    Args:
        network: of `chain`, a part of the pretrained network `whole`, with its weights.
        stages: that stay as they are at most; 0: everything trains, the stem as well.
    """
    assert isinstance(network, Network)
    kept = min(stages, len(chain.stages) - TRAINED)
    entire = next((number for number, (own, given) in enumerate(zip(chain.stages, whole.stages, strict=False))
                   if own != given), len(chain.stages))
    modules: list[nn.Module] = [network.stem, *network.stages[:min(kept, entire)]] if stages and kept >= 0 else []
    for module in modules:
        module.requires_grad_(False)
