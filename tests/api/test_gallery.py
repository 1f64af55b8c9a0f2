"""The networks that come with the package: they are what their certificates say, and hold no images."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import dcanas

GALLERY = Path(__file__).parents[2] / "gallery"
NAMES = ["digits", "grocery", "spoken_digits", "trash"]
FILES = {"model.onnx", "certificate.json", "labels.txt", "preprocessing.json"}


def test_it_is_small_and_holds_no_images():
    assert sorted(path.name for path in GALLERY.iterdir() if path.is_dir()) == NAMES
    assert all({path.name for path in (GALLERY / name).iterdir()} == FILES for name in NAMES)
    assert sum(path.stat().st_size for path in GALLERY.rglob("*") if path.is_file()) < 4e6


@pytest.mark.parametrize("name", NAMES)
def test_a_network_keeps_its_limits(name):
    found = dcanas.load(f"gallery:{name}")
    certificate = json.loads((GALLERY / name / "certificate.json").read_text())
    assert found.certificate.content == certificate
    assert found.certificate.met
    assert found.certificate.sha256 == hashlib.sha256(found.onnx.read_bytes()).hexdigest()
    assert certificate["command"].startswith("dcanas run ")
    assert "/" not in (certificate["data"]["root"] or "")  # no place of the machine on which it was made
    channels, height, width = certificate["data"]["input_shape"]
    answers = found.predict(np.zeros((2, height, width, channels), np.uint8))
    assert len(found.classes) == certificate["data"]["classes"]
    assert set(answers) <= set(found.classes)


def test_digits_are_known():
    """Of images that it was never shown, those of the certificate's test split among them, few are wrong."""
    raw = load_digits()
    answers = dcanas.load("gallery:digits").predict((raw.images * 255 / 16).astype(np.uint8))
    assert (answers.astype(int) == raw.target).mean() > 0.97


def test_what_is_not_there_is_said(monkeypatch, tmp_path):
    with pytest.raises(dcanas.UserError, match="Unknown network of the gallery 'digitz'; did you mean 'digits'"):
        dcanas.load("gallery:digitz")
    shutil.copytree(GALLERY / "digits", tmp_path / "digits")
    with (tmp_path / "digits" / "model.onnx").open("ab") as file:
        file.write(b" ")
    monkeypatch.setattr("dcanas.api.gallery.resource_folder", lambda name: tmp_path)
    with pytest.raises(dcanas.UserError, match=r"not the file that its certificate is about"):
        dcanas.load("gallery:digits")
