"""`dcanas deploy`: the bundle on its device, what it answers there, and a certificate that only grows."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def copied(finished, tmp_path):
    """A finished run of one's own."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.mark.slow
def test_to_this_machine(dcanas, copied, monkeypatch):
    monkeypatch.chdir(copied.parent)
    before = json.loads((copied / "certificate.json").read_text())
    for number in (1, 2):
        found = dcanas("deploy", "source=run", "deploy.seconds=1.5", "run.progress=plain")
        assert found.code == 0, found.err
        after = json.loads((copied / "certificate.json").read_text())
        entries = after.pop("deployments")
        assert after == before  # nothing that stood there has changed
        assert len(entries) == number
    first, second = entries
    assert first["date"] <= second["date"]
    assert second["sha256"] == before["sha256"]
    assert second["place"] == "this machine, a process of its own"
    bundle = copied / "derived/local-cpu/bundle"
    for name in ("infer.py", "model.onnx", "network.py", "labels.txt", "preprocessing.json", "test.npz"):
        assert (copied / f"derived/local-cpu/deployed/dcanas-{before['sha256'][:12]}" / name).read_bytes() == \
            (bundle / name).read_bytes()
    answers = second["answers"]
    assert (answers["n"], answers["equal"]) == (16, 16)
    assert answers["max_relative_logit_error"] < 1e-5
    samples = json.loads((copied / "derived/local-cpu" / second["samples"]).read_text())
    for name, part in second["stages"].items():
        assert part["n"] == len(samples["stages_ns"][name]) >= 16
        assert part["median_ms"] == pytest.approx(np.median(samples["stages_ns"][name]) / 1e6)
        assert part["p95_ms"] >= part["median_ms"] > 0
    assert set(second["stages"]) == {"decode", "preprocess", "network"}
    sustained = second["sustained"]
    assert sustained["seconds"] == 1.5
    assert sustained["slowest_ms"] >= sustained["p95_ms"] >= sustained["median_ms"] > 0
    assert sustained["runs"] * sustained["median_ms"] < 2 * 1500  # no more runs than fit into the time
    page = (copied / "certificate.md").read_text()
    assert page.count("## Deployed to local-cpu") == 2
    assert "`infer.py` there gives our label for 16 of 16 images" in page
    assert "gives our label for 16 of 16 images (16 test images of the bundle as PNG files of 8x8 pixels)" in found.out


@pytest.mark.slow
@pytest.mark.thorough
def test_to_a_board_with_ones_own_images(dcanas, copied, board, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        Image.fromarray(np.full((40, 60, 3), 80 * number, np.uint8)).save(photos / f"{number}.jpg")
    (photos / "notes.txt").write_text("no image")
    device = board.device("deployed")
    run = tmp_path / "there"
    found = dcanas("deploy", f"source={copied}", f"device={device}", f"run.dir={run}", "deploy.seconds=1",
                   f"deploy.images={photos}", "run.progress=plain")
    assert found.code == 0, found.err
    certificate = json.loads((run / "certificate.json").read_text())
    assert certificate["device"] == "deployed"
    assert certificate["latency"]["conditions"]["place"] == "ssh board"  # measured there, too
    (entry,) = certificate["deployments"]
    assert (entry["place"], entry["images_from"]) == ("ssh board", f"3 of 3 files in {photos}")
    assert (entry["answers"]["n"], entry["answers"]["equal"]) == (3, 3)
    there = board.folder / f"dcanas-{certificate['sha256'][:12]}"
    assert (there / "sample-002.jpg").read_bytes() == (photos / "2.jpg").read_bytes()
    shutil.rmtree(there)


@pytest.mark.parametrize(("more", "words"), [
    ((), "dcanas deploy needs source=DIR, the directory of a finished run."),
    (("source=nowhere",), "nowhere is not a run directory"),
    (("source=RUN", "device=raspi5"), "dcanas deploy measures on the device, but raspi5 has no connection"),
    (("source=RUN", "deploy.seconds=0"), "deploy.seconds must be a number from 0.001 to 86400, got 0"),
    (("source=RUN", "deploy.second=3"), "'deploy.second'; did you mean 'deploy.seconds'?"),
    (("source=RUN", "deploy.images=/nowhere"), "deploy.images must be a folder of image files, and /nowhere has none"),
])
def test_what_cannot_be_deployed(dcanas, copied, more, words):
    found = dcanas("deploy", *(text.replace("RUN", str(copied)) for text in more), "run.progress=none")
    assert (found.code, found.err.count("\n")) == (2, 1), found.err
    assert words in found.err


def test_a_run_without_a_certificate_is_not_deployed(dcanas, copied):
    for path in copied.rglob("certificate.*"):
        path.unlink()
    found = dcanas("deploy", f"source={copied}", "run.progress=none")
    assert found.code == 2
    assert "has no certificate yet; finish it with `dcanas run` first." in found.err
