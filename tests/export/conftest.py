"""One real small network, exported once for all tests of the room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from dcanas.export import export_onnx, with_random_statistics
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
    network = with_random_statistics(space.build(arch, 7, 3, channels=4, cells=1))
    network = Classifier(Normalise([0.4, 0.5, 0.6], [0.2, 0.3, 0.25]), network)
    path = export_onnx(network, tmp_path_factory.mktemp("onnx") / "model.onnx", (3, 15, 15),
                       metadata={"architecture": space.format(arch), "classes": "a,b"})
    images = np.random.default_rng(0).integers(0, 256, (24, 3, 15, 15), dtype=np.uint8)
    return Exported(network.eval(), path, images, space.source(arch, 7, 3, channels=4, cells=1))


@pytest.fixture(scope="session")
def old_runtime(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the Python of an environment with an ONNX Runtime of this version, made once; a test
    is skipped with the reason where none can be made."""
    made: dict[str, Path | str] = {}

    def python(version: str) -> Path:
        if version not in made:
            made[version] = _environment(tmp_path_factory.mktemp("runtime"), version)
        found = made[version]
        if isinstance(found, str):
            pytest.skip(found)
        return found

    return python


def _environment(folder: Path, version: str) -> Path | str:
    """Return the Python of a fresh environment with that ONNX Runtime, or in words why there is none."""
    if shutil.which("uv") is None:
        return "uv is not installed, so no environment with an old ONNX Runtime can be made"
    reasons = []
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.10*/bin/python"))  # uv does not look there
    for python in (sys.executable, *map(str, pyenv), "3.10"):
        steps = [["uv", "venv", "-q", "--python", python, "--clear", str(folder)],
                 ["uv", "pip", "install", "-q", "--python", str(folder), f"onnxruntime=={version}",
                  "numpy<2"]]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                reasons.append((done.stderr.strip().splitlines() or ["no reason given"])[-1].strip())
                break
        else:
            return folder / "bin" / "python"
    return (f"onnxruntime {version} cannot be installed here: {'; '.join(reasons)}")
