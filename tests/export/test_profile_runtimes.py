"""Every shipped device profile: a file exported for it runs the same in the oldest ONNX Runtime that it promises."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import torch

from dcanas.export import export_onnx, onnx_predict, with_random_statistics
from dcanas.hardware import list_devices, load_device
from dcanas.spaces import load_space

CODE = """
import sys, numpy as np, onnxruntime
images = np.load(sys.argv[1])
for path in sys.argv[2:]:
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    np.save(path + '.npy', session.run(None, {'image': images})[0])
print(onnxruntime.__version__)
"""


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    made = []
    for name, skeleton in (("nasbench201", {"channels": 8, "cells": 1}), ("darts", {"channels": 4, "cells": 3}),
                           ("fbnet", {})):
        space = load_space(name)
        made.append(with_random_statistics(space.build(space.sample(rng), 10, 3, **skeleton)))
    return made


@pytest.mark.slow
@pytest.mark.thorough
def test_files_of_every_profile_run_in_its_oldest_runtime(networks, tmp_path, old_runtime):
    """Profiles that do not run ONNX Runtime itself promise 1.14 in the bundle's README; equal promises are tried once.
    """
    promised = {}
    for name in list_devices():
        runtime = load_device(name).runtime
        version = runtime.version if runtime.name == "onnxruntime" else "1.14"
        promised.setdefault((f"{version}.*", runtime.opset, runtime.ir_version), []).append(name)
    images = np.random.default_rng(1).random((1, 3, 16, 16), dtype=np.float32)
    np.save(tmp_path / "images.npy", images)
    for (version, opset, ir_version), names in promised.items():
        python = old_runtime(version)
        paths = [export_onnx(network, tmp_path / f"{number}-{opset}-{ir_version}.onnx", (3, 16, 16), opset, ir_version)
                 for number, network in enumerate(networks)]
        done = subprocess.run([str(python), "-c", CODE, str(tmp_path / "images.npy"), *map(str, paths)],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{names}: {done.stderr}"
        assert done.stdout.startswith(version.rstrip("*"))
        for path in paths:
            expected, found = onnx_predict(path, images), np.load(f"{path}.npy")
            assert np.abs(expected - found).max() < 1e-4 * np.abs(expected).max(), (names, path.name)
