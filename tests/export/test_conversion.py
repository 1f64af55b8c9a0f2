"""The conversions of docs/devices.md: what they start from, and where converters can be installed, their files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dcanas.export import as_floats, write_bundle

DOCS = Path(__file__).parents[2] / "docs" / "int8-and-converters.md"


@pytest.fixture
def bundle(exported, tmp_path):
    return write_bundle(tmp_path / "bundle", exported.path, exported.source, exported.network.state_dict(),
                        [f"class {i}" for i in range(7)], {"channels": 3, "size": [15, 15], "resample": "bilinear"},
                        exported.images, np.zeros(len(exported.images), np.int64))


@pytest.fixture
def documented():
    """Return the documents' lines of Python as one program up to a converter's, for images of the bundle's size."""
    section = DOCS.read_text(encoding="utf-8").split("## LiteRT and ExecuTorch")[1]
    blocks = re.findall(r"```python\n(.*?)```", section, re.S)
    first, litert, executorch = (block.replace("1, 3, 32, 32", "1, 3, 15, 15") for block in blocks)
    return {"export": first, "litert": first + litert, "executorch": first + executorch}


@pytest.mark.slow
def test_the_networks_program_can_be_captured(exported, bundle, documented):
    """Both converters start from torch.export, whose program must compute what the network does."""
    code = documented["export"] + "images = torch.load('images.pt')\n" \
        "torch.save(torch.cat([program.module()(x[None]) for x in images]), 'logits.pt')\n"
    images = torch.from_numpy(as_floats(exported.images[:4]))
    torch.save(images, bundle / "images.pt")
    done = subprocess.run([sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with torch.no_grad():
        torch.testing.assert_close(torch.load(bundle / "logits.pt"), exported.network(images), rtol=1e-4, atol=1e-5)


RUN = {
    "litert": """
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter("model.tflite")
interpreter.allocate_tensors()
rows = []
for x in np.load("images.npy"):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x[None])
    interpreter.invoke()
    rows.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
np.save("logits.npy", np.concatenate(rows))
""",
    "executorch": """
import numpy as np
from executorch.runtime import Runtime
method = Runtime.get().load_program("model.pte").load_method("forward")
np.save("logits.npy", np.concatenate([method.execute([torch.from_numpy(x[None])])[0].numpy()
                                      for x in np.load("images.npy")]))
""",
}


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(("name", "packages"), [
    ("litert", ("litert-torch",)), ("executorch", ("executorch", "torch"))])
def test_the_converted_file_computes_the_same(exported, bundle, documented, tmp_path, name, packages):
    """Needs a gigabyte of packages, each converter in an environment of its own."""
    uv, folder = shutil.which("uv"), tmp_path / "venv"
    if uv is None:
        pytest.skip("uv is not here to make an environment")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    made = subprocess.run([uv, "pip", "install", "-q", "--python", folder / "bin/python", *packages],
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"{', '.join(packages)} cannot be installed here: {made.stderr.strip().splitlines()[-1]}")
    np.save(bundle / "images.npy", as_floats(exported.images[:4]))
    done = subprocess.run([folder / "bin/python", "-c", documented[name] + RUN[name]], cwd=bundle, capture_output=True,
                          text=True, env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr[-3000:]
    with torch.no_grad():
        expected = exported.network(torch.from_numpy(as_floats(exported.images[:4]))).numpy()
    assert np.abs(np.load(bundle / "logits.npy") - expected).max() < 1e-3 * np.abs(expected).max()
