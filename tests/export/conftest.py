"""One real small network, exported once for all tests of the room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from dcanas.export import as_if_trained, export_onnx
from dcanas.export.classifier import Classifier, Normalise
from dcanas.spaces import load_space

MIXED = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_1x1~2|"


@dataclass(frozen=True)
class Exported:
    network: torch.nn.Module
    path: Path
    images: np.ndarray  # uint8 (N, C, H, W)
    source: str


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """NAS-Bench-201 cell with every operation, 4 channels, 1 cell, on 3x15x15 (odd: pools round up)."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    space = load_space("nasbench201")
    arch = space.parse(MIXED)
    network = as_if_trained(space.build(arch, 7, 3, channels=4, cells=1))
    network = Classifier(Normalise([0.4, 0.5, 0.6], [0.2, 0.3, 0.25]), network)
    path = export_onnx(network, tmp_path_factory.mktemp("onnx") / "model.onnx", (3, 15, 15),
                       metadata={"architecture": space.format(arch), "classes": "a,b"})
    images = np.random.default_rng(0).integers(0, 256, (24, 3, 15, 15), dtype=np.uint8)
    return Exported(network.eval(), path, images, space.source(arch, 7, 3, channels=4, cells=1))
