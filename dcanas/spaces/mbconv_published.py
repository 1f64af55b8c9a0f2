"""Networks that other people have published with weights, as members of `mbconv`."""

from __future__ import annotations

import math
from typing import Any

from dcanas.basics.errors import unknown
from dcanas.spaces.mbconv import MBConv
from dcanas.spaces.mbconv_notation import Chain, Kind, Stage
from dcanas.spaces.mobilenetv2 import STANDARD, rounded_width
from dcanas.spaces.types import Architecture

Rows = tuple[tuple[int, int, int, int, int], ...]  # per stage: expansion, width, blocks, stride, kernel

MOBILENETV2: Rows = tuple((*row, 3) for row in STANDARD)
# Tan et al., MnasNet, CVPR 2019, figure 7 (MnasNet-B1, without squeeze and excitation), as in torchvision and timm.
MNASNET: Rows = ((1, 16, 1, 1, 3), (3, 24, 3, 2, 3), (3, 40, 3, 2, 5), (6, 80, 3, 2, 5), (6, 96, 2, 1, 3),
                 (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
# Tan & Le, ICML 2019, table 1, without squeeze and excitation and with ReLU6 (github.com/tensorflow/tpu, lite). Stem,
# head, first and last stage's depths are not scaled.
EFFICIENTNET_LITE: Rows = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
                           (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
LITE_SIZES = ((1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280))  # width, depth, pixels; 4 is too deep

PUBLISHED = ("mobilenet_v2", "mobilenet_v2_x0.35", "mobilenet_v2_x0.5", "mobilenet_v2_x0.75", "mobilenet_v2_x1.4",
             "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3",
             "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "efficientnet_lite3")


def published(name: str) -> tuple[Architecture, dict[str, Any]]:
    """Return a published network at its own resolution and the skeleton that its weights were trained with.

    Args:
        name: one of `PUBLISHED`: torchvision's names, MobileNetV2 with its width, and EfficientNet-Lite.

    Returns:
        The member of `mbconv`, and the complete skeleton, with which an image of the member's resolution is not scaled.

    Raises `UserError` for an unknown name.
    """
    if name not in PUBLISHED:
        raise unknown("published network", name, PUBLISHED)
    family, skeleton = name.partition("_")[0], dict(MBConv.final_skeleton)
    if family == "efficientnet":
        width, depth, resolution = LITE_SIZES[int(name[-1])]
        skeleton.update(padding="same", epsilon=1e-3)
        last = len(EFFICIENTNET_LITE) - 1
        rows = [(t, c, n if i in (0, last) else math.ceil(n * depth), s, k)
                for i, (t, c, n, s, k) in enumerate(EFFICIENTNET_LITE)]
        chain = _chain(resolution, 32, rows, width, 1280)
    elif family == "mobilenet":
        width = float(name.partition("_x")[2] or 1)
        chain = _chain(224, rounded_width(32 * width), MOBILENETV2, width, rounded_width(1280 * max(1.0, width)))
    else:
        width = float(name.removeprefix("mnasnet").replace("_", "."))
        skeleton.update(activation="relu")
        chain = _chain(224, rounded_width(32 * width), MNASNET, width, 1280)
    return MBConv().encode(chain), skeleton


def _chain(resolution: int, stem: int, rows: Any, width: float, head: int) -> Chain:
    stages = tuple(Stage(rounded_width(c * width), s, (Kind(t, k),) * n) for t, c, n, s, k in rows)
    return Chain(resolution, stem, stages, head)
