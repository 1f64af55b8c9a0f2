"""Folders as people have them, from the command line: what is printed, and what the certificate holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faulty_folders import FAULTY, SOUND
from faulty_folders.base import put
from markupsafe import escape
from PIL import Image

SHORT = ("search.pool=4", "search.rerank_evaluations=6", "train.batch_size=16", "pretrained=none",
         "search.finalist_epochs=0")  # noise teaches nothing, which a short training would refuse


def photos(case: str, root: Path) -> Path:
    root.mkdir()
    {**FAULTY, **SOUND}[case](root)
    return root


def test_data_says_what_is_understood_and_writes_nothing(dcanas, tmp_path, monkeypatch):
    root = photos("litter_of_other_kinds", tmp_path / "photos")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    answer = dcanas("data", root)
    assert answer.code == 0, answer.err
    said = " ".join(answer.out.split())
    assert "20 images of 2 classes, a folder per class: 12 train, 4 validation, 4 test." in said
    assert "10 files passed over: .txt 5, none 5." in said
    assert "mirrored left to right" in said
    assert not list(Path.cwd().iterdir())


def test_a_batch_larger_than_the_data_is_told_before_the_search(dcanas, tmp_path):
    root = photos("litter_everywhere", tmp_path / "photos")
    said = " ".join(dcanas("data", root, "train.batch_size=512").out.split())
    assert "train.batch_size=512 is larger than the 12 training images" in said


def test_data_of_a_named_set(dcanas):
    said = " ".join(dcanas("data", "digits").out.split())
    assert "rotated by up to 10 degrees" in said
    assert "they are not mirrored" in said


def test_an_archive_is_answered_with_the_line_that_unpacks_it(dcanas, tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"PK")
    answer = dcanas("data", "data=folder", f"data.root={tmp_path / 'photos.zip'}")
    assert answer.code == 2
    assert f"unzip {tmp_path / 'photos.zip'} -d {tmp_path / 'photos'}" in answer.err
    assert f"unzip {tmp_path / 'photos.zip'}" in dcanas("data", tmp_path / "photos.zip").err


RUNS = {  # case: settings, words of the certificate, number of test images that count
    "twins_over_the_users_splits": ((), ("12 of 20 test images are also in train", "with them it would be"), 8),
    "twins_in_one_folder": ((), ("8 are stored more than once", "with them it would be"), 8),
    "bad_file_of_test_left_out": (("data.skip_bad=true",), ("Test images that cannot be read are left out: 1.",), 9),
    "uneven_classes": ((), ("Balanced accuracy", "90.0 % of the test images are of the largest one"), 20),
    "depth_of_ten_bits_and_brighter_tests": ((), ("1,023 becomes white", "are clipped"), 16),
    "mirror_chevrons": ((), ("Images are not mirrored", "left and right"), 24),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", RUNS)
def test_a_whole_run_says_so_in_its_certificate(dcanas, tiny, tmp_path, case):
    settings, words, counted = RUNS[case]
    root, run = photos(case, tmp_path / "photos"), tmp_path / "run"
    answer = dcanas("run", *tiny, *SHORT, *settings, root, f"run.dir={run}")
    assert answer.code == 0, answer.err
    certificate = json.loads((run / "certificate.json").read_text())
    assert certificate["accuracy"]["n"] == counted
    page = (run / "certificate.md").read_text()
    assert all(word in page for word in words), page
    bundle = run / certificate["bundle"]
    with np.load(bundle / "test.npz") as test:
        assert len(test["labels"]) == counted
    if case.startswith("depth"):
        steps = json.loads((bundle / "preprocessing.json").read_text())
        assert steps["max_value"] == 1023
    folder = next(root.rglob("*.*")).parent
    (folder / "._odd.png").write_bytes(b"\0")
    Image.new("RGB", (9, 9)).save(folder / "plain.png")
    told = subprocess.run([sys.executable, bundle / "infer.py", "--json", folder], capture_output=True, text=True,
                          check=True)
    files = [row["file"] for row in json.loads(told.stdout)]
    assert str(folder / "plain.png") in files
    assert str(folder / "._odd.png") not in files


ODD_NAMES = ("\u732b", "\u0939\u093f\u0928\u094d\u0926\u0940", "a|b", "<b>bold", "US$ 5$", "$\\frac$",
             "it's \"so\"", "50 %",
             "*star*_x_", "-dash", "{x}", "\U0001f600", "CON", "`tick`", "a,b", "=1+1")


@pytest.mark.slow
def test_names_of_any_script_and_sign_are_names(dcanas, tiny, tmp_path, recwarn):
    """The classes are those typed in labels, certificate and page; no line on glyphs; no file is named after them."""
    for name in ODD_NAMES:
        put(tmp_path / "photos" / name, 6)
    run = tmp_path / "run"
    answer = dcanas("run", *tiny, *SHORT, tmp_path / "photos", f"run.dir={run}")
    assert answer.code == 0, answer.err
    assert not [str(warning.message) for warning in recwarn if "lyph" in str(warning.message)]
    assert "lyph" not in answer.err
    certificate = json.loads((run / "certificate.json").read_text())
    assert (run / certificate["bundle"] / "labels.txt").read_text().splitlines() == sorted(ODD_NAMES)
    page = (run / "report.html").read_text()
    assert "<b>bold" not in page  # but escaped
    assert all(escape(name) in page for name in ("\u732b", "US$ 5$", "<b>bold", "$\\frac$"))
    assert all(path.name.isascii() for path in run.rglob("*"))
