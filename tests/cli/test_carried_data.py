"""A finished run carries what it needs of its data; data that changed are not combined with it."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image, ImageOps

from dcanas.basics.resources import resource_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def of_folder(dcanas, images, tiny, tmp_path_factory):
    """A finished run on a folder of images, and that folder."""
    base = tmp_path_factory.mktemp("folder")
    root = images(base / "photos", {".": 50})
    found = dcanas("run", *tiny, f"{root}", "space=nasbench201", f"run.dir={base / 'run'}", "search.batch_size=16",
                   "train.batch_size=16")
    assert found.code == 0, found.err
    return base


@pytest.fixture
def own(of_folder, tmp_path):
    """A copy of both, the run's settings naming the copied folder only by the place they were made in."""
    shutil.copytree(of_folder / "run", tmp_path / "run")
    return tmp_path / "run", of_folder / "photos"


@pytest.fixture
def other_device(tmp_path, monkeypatch):
    """A second device that is this machine."""
    (tmp_path / "devices").mkdir()
    own = (resource_folder("hardware_profiles") / "local-cpu.yaml").read_text()
    (tmp_path / "devices/other.yaml").write_text(own.replace("name: local-cpu", "name: other"))
    monkeypatch.setenv("DCANAS_DEVICES", str(tmp_path / "devices"))
    return "other"


def certificate(run, device):
    return json.loads((run / f"derived/{device}/certificate.json").read_text())


def test_without_its_images_a_finished_run_is_used_on(dcanas, own, other_device, tmp_path):
    run, root = own
    hidden = root.rename(root.with_name("hidden"))
    try:
        for arguments in (("deploy", f"source={run}", "deploy.seconds=0.5"), ("export", f"source={run}"),
                          ("profile", f"source={run}"), ("attack", f"source={run}", "attacks=[fgsm]")):
            found = dcanas(*arguments, "run.progress=plain")
            assert found.code == 0, (arguments, found.err)
        there = tmp_path / "there"
        found = dcanas("deploy", f"source={run}", f"device={other_device}", f"run.dir={there}", "deploy.seconds=0.5")
        assert found.code == 0, found.err
        mine, theirs = certificate(run, "local-cpu"), certificate(there, other_device)
        for made in (mine, theirs):
            assert made["deployments"][0]["answers"]["equal"] == made["deployments"][0]["answers"]["n"]
        assert theirs["accuracy"] == mine["accuracy"]
        assert theirs["data"] == mine["data"]
        assert dcanas("verify", there).code == 0
        refused = dcanas("derive", f"source={run}", "budget.params=20000", f"run.dir={tmp_path / 'derived'}")
        assert refused.code == 2
        assert f"There is no folder {root}" in refused.err
    finally:
        hidden.rename(root)


@pytest.mark.parametrize("change", ["renamed", "one more", "another image"])
def test_data_that_changed_are_not_combined_with_a_run(dcanas, own, other_device, tmp_path, change):
    run, root = own
    kept = shutil.copytree(root, tmp_path / "kept")
    try:
        if change == "renamed":
            (root / "digit 0").rename(root / "zero")  # sorts last, so every label means another class
        elif change == "one more":
            (root / "digit 9").mkdir()
            for path in (root / "digit 0").iterdir():  # other pictures: of equal ones only one counts
                ImageOps.invert(Image.open(path).convert("L")).save(root / "digit 9" / path.name)
        else:
            shutil.copy(root / "digit 1/0.png", root / "digit 0/0.png")
        there = tmp_path / "there"
        found = dcanas("deploy", f"source={run}", f"device={other_device}", f"run.dir={there}", "deploy.seconds=0.5")
        assert found.code == 0, found.err  # by the labels and images of the bundle
        assert (there / f"derived/{other_device}/bundle/labels.txt").read_text() == "digit 0\ndigit 1\ndigit 2\n"
        assert certificate(there, other_device)["accuracy"] == certificate(run, "local-cpu")["accuracy"]
        for command in ("derive", "run"):
            refused = dcanas(command, f"source={run}", "budget.params=20000", f"run.dir={tmp_path / ('by-' + command)}")
            assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
            assert f"The data (folder) are no longer those that {run} was made with" in refused.err
    finally:
        shutil.rmtree(root)
        shutil.copytree(kept, root)
