"""The bundle runs where there is neither torch nor dcanas."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """An environment of its own with onnxruntime and numpy alone."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not here to make an environment without torch")
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    made = subprocess.run([uv, "pip", "install", "-q", "--python", str(python),
                           *(f"{name}=={version(name)}" for name in ("onnxruntime", "numpy"))],
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"onnxruntime and numpy cannot be installed here: {made.stderr.strip().splitlines()[-1]}")
    return python


@pytest.mark.slow
def test_infer_reproduces_the_accuracy(bare_python, finished, tmp_path):
    for module in ("torch", "dcanas", "onnx", "PIL"):
        tried = subprocess.run([bare_python, "-c", f"import {module}"], capture_output=True, text=True, cwd=tmp_path)
        assert "ModuleNotFoundError" in tried.stderr, module
    bundle = tmp_path / "bundle"
    shutil.copytree(finished / "derived/local-cpu/bundle", bundle)
    done = subprocess.run([bare_python, bundle / "infer.py", "--json"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    exported = json.loads((finished / "derived/local-cpu/export.json").read_text())
    assert json.loads(done.stdout) == {"accuracy": exported["test_accuracy"], "correct": exported["test_correct"],
                                       "n": exported["test_n"]}
