"""The bundle: complete, whole, and independent of this project."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from dcanas.basics.errors import UserError
from dcanas.export import as_floats, onnx_predict, write_bundle

CLASSES = [f"class {i}" for i in range(7)]
PREPROCESSING = {"channels": 3, "size": [15, 15], "resample": "bilinear", "mean": [0.4, 0.5, 0.6]}
BLOCKED = "import sys\nsys.modules['dcanas'] = None\n"  # any import of it raises ImportError


@pytest.fixture
def arguments(exported):
    labels = onnx_predict(exported.path, as_floats(exported.images)).argmax(axis=1)
    labels[:6] = (labels[:6] + 1) % 7  # 18 of 24 are right
    return {"onnx_path": exported.path, "network_source": exported.source,
            "state_dict": exported.network.state_dict(), "classes": CLASSES, "preprocessing": PREPROCESSING,
            "test_images": exported.images, "test_labels": labels}


def run(code, folder):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], cwd=folder, env=environment,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bundle_holds_what_it_promises(exported, arguments, tmp_path):
    folder = write_bundle(tmp_path / "bundle", **arguments, title="Seven things", runtime_version="1.14")
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "SHA256SUMS", "infer.py", "labels.txt", "model.onnx", "network.py", "preprocessing.json",
        "test.npz", "weights.pt"]
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]
    assert (folder / "model.onnx").read_bytes() == exported.path.read_bytes()
    assert (folder / "labels.txt").read_text().splitlines() == CLASSES
    assert json.loads((folder / "preprocessing.json").read_text()) == PREPROCESSING
    with np.load(folder / "test.npz", allow_pickle=False) as test:
        assert np.array_equal(test["images"], exported.images)
        assert test["labels"].dtype == np.int64
        assert np.array_equal(test["labels"], arguments["test_labels"])
    readme = (folder / "README.md").read_text()
    assert "Seven things" in readme
    assert "onnxruntime>=1.14" in readme


def test_network_py_needs_torch_only_and_computes_what_the_file_does(exported, arguments, tmp_path):
    write_bundle(tmp_path / "bundle", **arguments)
    np.save(tmp_path / "images.npy", as_floats(exported.images))
    run("sys.path.insert(0, 'bundle')\n"
        "import numpy as np, torch\nfrom network import load\nmodel = load()\nassert not model.training\n"
        "images = torch.from_numpy(np.load('images.npy'))\n"
        "np.save('out.npy', model(images).detach().numpy())\n"
        "foreign = {n.split('.')[0] for n in sys.modules} & {'onnx', 'onnxruntime', 'torchvision'}\n"
        "assert not foreign, foreign\n", tmp_path)
    expected, found = onnx_predict(exported.path, as_floats(exported.images)), np.load(tmp_path / "out.npy")
    assert (np.abs(expected - found).max(axis=1) / np.abs(expected).max(axis=1)).max() < 1e-4


def test_the_readmes_command_reproduces_the_accuracy_without_torch(arguments, tmp_path):
    folder = write_bundle(tmp_path / "bundle", **arguments)
    output = run("sys.modules['torch'] = None\nimport runpy\nsys.argv = ['infer.py', '--json']\n"
                 "try:\n    runpy.run_path('infer.py', run_name='__main__')\n"
                 "except SystemExit as end:\n    assert end.code == 0\n", folder)
    assert json.loads(output) == {"accuracy": 18 / 24, "correct": 18, "n": 24}


def test_same_arguments_give_the_same_bytes_and_replace_the_old(arguments, tmp_path):
    folder = write_bundle(tmp_path / "bundle", **arguments)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    (folder / "__pycache__").mkdir()  # as a user who ran it has
    write_bundle(folder, **arguments)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]


def test_what_is_not_a_bundle_is_not_replaced(arguments, tmp_path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"dear")
    with pytest.raises(UserError, match=r"holds photo\.jpg, which is not part of a bundle"):
        write_bundle(folder, **arguments)
    assert (folder / "photo.jpg").read_bytes() == b"dear"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="is a file; a bundle is a folder"):
        write_bundle(tmp_path / "file", **arguments)


def test_nothing_is_left_when_a_step_fails(arguments, tmp_path):
    write_bundle(tmp_path / "bundle", **arguments)
    before = {p.name: p.read_bytes() for p in (tmp_path / "bundle").iterdir()}
    with pytest.raises(ValueError, match="not JSON compliant"):  # no silent NaN in preprocessing.json
        write_bundle(tmp_path / "bundle", **{**arguments, "preprocessing": {"mean": float("nan")}})
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]
    assert {p.name: p.read_bytes() for p in (tmp_path / "bundle").iterdir()} == before


def test_class_names_stay_one_line_each(arguments, tmp_path):
    with pytest.raises(UserError, match=r"class name 'a\\nb' spans several lines"):
        write_bundle(tmp_path / "bundle", **{**arguments, "classes": ["a\nb"]})
    assert not (tmp_path / "bundle").exists()
