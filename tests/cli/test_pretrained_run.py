"""A folder of photographs from pretrained weights to a bundle: every file at the network's own resolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dcanas
from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.local import LocalTasks
from dcanas.basics.files import read_json
from dcanas.export.infer import classify, load_image
from dcanas.training import DataSpec, load_data
from tests.shortcuts import quick

SETTINGS = {"train.epochs": 2, "train.batch_size": 8, "search.candidates": 3, "search.first_epochs": 1,
            "run.threads": 1, "int8": True, "robustness": True, "attacks": ["fgsm"]}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (root / name).mkdir()
        for i in range(16):
            size = (60, 48) if i % 2 else (50, 70)
            pixels = rng.integers(100 * label, 100 * label + 140, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory) -> dcanas.Run:
    with quick():
        return dcanas.run(str(photos), "local-cpu", {"macs": 3e6}, directory=tmp_path_factory.mktemp("runs") / "run",
                          settings=SETTINGS)


def test_everything_delivered_has_the_resolution_of_the_network(run, photos) -> None:
    folder = run.directory / "derived" / "local-cpu"
    certificate = read_json(run.directory / "certificate.json")
    side = int(certificate["architecture"].partition("-")[0].removeprefix("r"))
    assert side % 8 == 0
    assert certificate["data"]["input_shape"] == [3, side, side]
    steps = read_json(folder / "bundle" / "preprocessing.json")
    assert steps["size"] == [side, side]
    macs = next(row for row in certificate["rows"] if row["name"] == "macs")
    assert macs["measured"] == macs["predicted"] <= 3e6
    assert certificate["pretrained"]["sources"] == ["efficientnet_lite0"]
    assert f"images of {side}x{side} pixels. Making one ready" in (run.directory / "certificate.md").read_text()
    with np.load(folder / "bundle" / "test.npz") as test:
        assert test["images"].shape[1:] == (3, side, side)
        delivered = test["images"]
    pixels = load_data(DataSpec("folder", root=str(photos), size=32)).at((side, side))
    assert np.array_equal(delivered, pixels.images[pixels.test])  # what infer.py makes of the files, to the bit
    files = sorted(photos.rglob("*.png"))
    made = np.stack([load_image(path, steps) for path in files])
    assert {image.tobytes() for image in pixels.images} == {image.tobytes() for image in made}


def test_infer_classifies_files_as_the_torch_network_does_pixels(run, photos) -> None:
    bundle = run.directory / "derived" / "local-cpu" / "bundle"
    files = sorted(photos.rglob("*.png"))[::5]
    pixels = np.stack([load_image(path, read_json(bundle / "preprocessing.json")) for path in files])
    with torch.no_grad():
        expected = torch.softmax(run.model(torch.from_numpy(pixels).float() / 255), 1)
    rows = classify(bundle, files)
    assert [row["label"] for row in rows] == [run.classes[i] for i in expected.argmax(1)]
    shares = expected.max(1).values.tolist()
    assert [row["probability"] for row in rows] == pytest.approx(shares, abs=0.05)  # whether int8 is delivered or not


def test_halving_left_what_it_compared_and_the_run_resumes(run, photos) -> None:
    found = read_json(run.directory / "search" / "halving.json")["targets"]["local-cpu"]
    assert [(len(rung["networks"]), rung["epochs"]) for rung in found["rungs"]] == [(3, 1)] or \
        found["rungs"][-1]["epochs"] <= 2
    assert found["architecture"] in {row["architecture"] for row in found["nominees"]}
    assert not list((run.directory / "search" / "fine-tuning").iterdir())  # checkpoints are dropped with the networks
    before = (run.directory / "derived" / "local-cpu" / "weights.pt").read_bytes()
    (run.directory / "search" / "halving.json").unlink()  # as if it had been cut off before its end
    with quick():
        dcanas.run(str(photos), "local-cpu", {"macs": 3e6}, directory=run.directory, settings=SETTINGS)
    assert read_json(run.directory / "search" / "halving.json")["targets"]["local-cpu"] == found
    assert (run.directory / "derived" / "local-cpu" / "weights.pt").read_bytes() == before


def test_what_cannot_be_used_is_refused_before_anything_is_trained(photos, tmp_path) -> None:
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"no weights")
    for groups, settings, message in (
            ({"space": "mbconv", "search": "halving"}, {"pretrained.name": "none"}, "this run has none: pip install"),
            ({}, {"pretrained.name": "file", "pretrained.file": str(bad)}, r"bad\.pt"),
            ({}, {"pretrained.name": "mnasnet1_0"}, "not on this machine, and nothing is downloaded unless asked"),
            ({}, {"pretrained.name": "mobilenetv2_140"}, r"need a file: save them by torch\.save"),
            ({"space": "mbconv", "search": "elastic"}, {"pretrained.name": "efficientnet_lite0"},
             "choose search=slices, a supernet of them"),
            ({"space": "mbconv"}, {"data.size": 24}, r"at least 32 pixels, and data\.size=24"),
            ({"space": "mbconv"}, {"pretrained.name": "efficientnet_lite0", "train.init": str(bad)},
             r"both give the first weights; drop one"),
            ({"space": "mbconv", "search": "zero_shot"}, {"pretrained.name": "efficientnet_lite0"},
             "Training-free scores judge networks from random weights")):
        with pytest.raises(UserError, match=message):
            dcanas.run(str(photos), "local-cpu", {"macs": 3e6}, directory=tmp_path / "run", settings=settings, **groups)
    assert not (tmp_path / "run").exists()
    with pytest.raises(dcanas.BudgetError, match="its smallest feasible value is"):
        dcanas.run(str(photos), "local-cpu", {"params": 1000}, directory=tmp_path / "small")


@pytest.mark.slow
def test_two_processes_choose_and_train_what_one_does(run, photos, tmp_path, monkeypatch) -> None:
    heard = []
    do = LocalTasks.do
    monkeypatch.setattr(LocalTasks, "do", lambda self, call: heard.append(call.number) or do(self, call))
    with quick():
        other = dcanas.run(str(photos), "local-cpu", {"macs": 3e6}, directory=tmp_path / "run",
                           settings={**SETTINGS, "run.workers": 2})
    assert len(heard) >= 3  # fine-tunings of the first rung at least
    for name in ("search/halving.json", "derived/local-cpu/weights.pt", "derived/local-cpu/model.onnx"):
        assert (other.directory / name).read_bytes() == (run.directory / name).read_bytes()
