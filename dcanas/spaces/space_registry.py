"""The spaces by name."""

from __future__ import annotations

from dcanas.basics.registry import Registry
from dcanas.spaces.space import Space

spaces: Registry[type[Space]] = Registry("space", {
    "darts": ("dcanas.spaces.darts:Darts",
              "DARTS: a normal and a reduction cell of 14 edges, two used edges per node, seven operations."),
    "fbnet": ("dcanas.spaces.fbnet:Fbnet",
              "FBNet: a chain of 22 layers, nine blocks each."),
    "mbconv": ("dcanas.spaces.mbconv:MBConv",
               "Inverted residuals: seven stages of up to six blocks each, with expansion and kernel per block."),
    "mobilenetv2": ("dcanas.spaces.mobilenetv2:MobileNetV2",
                    "Macro space of inverted residuals; every code that keeps the strides' group is a member."),
    "nasbench201": ("dcanas.spaces.nasbench201:NasBench201",
                    "NAS-Bench-201: six edges, five operations each, one cell for the whole network."),
    "resnet": ("dcanas.spaces.resnet:ResNet",
               "ResNet for small images: width 4 to 64, one to nine blocks in each of three stages."),
    "separable": ("dcanas.spaces.separable:Separable",
                  "MobileNetV1 and DS-CNN of depthwise separable convolutions, at widths from 0.1 to 2."),
})

_made: dict[type[Space], Space] = {}


def load_space(name: str) -> Space:
    """Return the space of this name, always the same object; raises `UserError` with the nearest known name."""
    kind = spaces[name]
    if kind not in _made:
        _made[kind] = kind()
    return _made[kind]
