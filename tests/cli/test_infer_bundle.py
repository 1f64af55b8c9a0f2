"""The bundle runs where there is neither torch nor dcanas."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


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


@pytest.fixture(scope="module")
def oldest_python(tmp_path_factory):
    """Python 3.8 with the newest numpy 1, onnxruntime and Pillow that it takes."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not here to make an environment for Python 3.8")
    folder = tmp_path_factory.mktemp("oldest") / "venv"
    wanted = next(map(str, Path.home().glob(".pyenv/versions/3.8.*/bin/python")), "3.8")
    made = subprocess.run([uv, "venv", "-q", "--python", wanted, str(folder)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip("Python 3.8 is not here")
    python = folder / "bin" / "python"
    made = subprocess.run([uv, "pip", "install", "-q", "--python", str(python), "numpy<2", "onnxruntime", "pillow"],
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"packages for Python 3.8 cannot be installed here: {made.stderr.strip().splitlines()[-1]}")
    return python


@pytest.mark.slow
def test_infer_runs_on_python_3_8(oldest_python, finished, tmp_path):
    """The same accuracy, labels and probabilities as here, and the bundle is as certified."""
    bundle = finished / "derived/local-cpu/bundle"
    with np.load(bundle / "test.npz") as test:
        for number, image in enumerate(test["images"][:5]):
            Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    for arguments in ([], ["--verify"], ["--json", tmp_path]):
        there, here = (subprocess.run([python, bundle / "infer.py", *arguments], capture_output=True, text=True)
                       for python in (oldest_python, sys.executable))
        assert there.returncode == here.returncode == 0, there.stderr
        if arguments[-1:] != [tmp_path]:
            assert (there.stdout, there.stderr) == (here.stdout, here.stderr)
            continue
        rows = [json.loads(done.stdout) for done in (there, here)]
        assert [row["label"] for row in rows[0]] == [row["label"] for row in rows[1]]
        chances = [[row["probability"] for row in of_one] for of_one in rows]
        assert chances[0] == pytest.approx(chances[1], abs=1e-5)


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
