"""A trained network as its exported file computes it: every batch norm behind a convolution is part of that kernel."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(model: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, in channels-last layout: the same function up to rounding, in about 2/3 of the
    time on a CPU. Only what follows one another in an `nn.Sequential` is folded."""
    model = copy.deepcopy(model).eval()
    for sequence in [part for part in model.modules() if isinstance(part, nn.Sequential)]:
        for first, second in itertools.pairwise(list(sequence._modules)):
            convolution, norm = sequence._modules[first], sequence._modules[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence._modules[first] = fuse_conv_bn_eval(convolution, norm)
                sequence._modules[second] = nn.Identity()
    return model.to(memory_format=torch.channels_last)
