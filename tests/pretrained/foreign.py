"""Networks of other libraries with random weights and statistics, and their files."""

from __future__ import annotations

from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torchvision import models

from dcanas.export.random_statistics import with_random_statistics

TIMM_PARTS = {"_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw", "_project_conv": "conv_pwl",
              "_bn0": "bn1", "_bn1": "bn2", "_bn2": "bn3"}
TIMM_OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
LITE0_DEPTHS = (1, 2, 2, 3, 3, 4, 1)


def torchvision_network(name: str, **arguments) -> nn.Module:
    torch.manual_seed(0)
    return with_random_statistics(models.get_model(name, num_classes=10, **arguments)).eval()


def lite(size: int, pixels: int = 64) -> nn.Module:
    """EfficientNet-Lite; its padding is fixed by the size of the images that it is made for."""
    torch.manual_seed(0)
    return with_random_statistics(EfficientNet.from_name(f"efficientnet-lite{size}", image_size=pixels,
                                                         num_classes=10)).eval()


def timm_lite0() -> dict[str, torch.Tensor]:
    """EfficientNet-Lite0's random weights as timm writes them; tested against timm itself in `test_recognise`."""
    places = [(stage, block) for stage, depth in enumerate(LITE0_DEPTHS) for block in range(depth)]
    state = {}
    for name, value in lite(0).state_dict().items():
        first, *rest = name.split(".")
        if first == "_blocks":
            stage, block = places[int(rest[0])]
            part = TIMM_PARTS[rest[1]]
            if stage == 0:  # depthwise and separable: what widens is missing, and the numbers move up
                part = {"conv_dw": "conv_dw", "conv_pwl": "conv_pw", "bn2": "bn1", "bn3": "bn2"}[part]
            state[f"blocks.{stage}.{block}.{part}.{rest[2]}"] = value
        else:
            state[".".join([TIMM_OUTSIDE[first], *rest])] = value
    return state


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path
