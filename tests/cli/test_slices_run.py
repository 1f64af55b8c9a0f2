"""`search=slices` on a folder of photographs: from the supernet to the bundle, another limit, and the front."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcanas.basics.files import read_json
from dcanas.pretrained import PretrainedParts, PretrainedSettings, load_pretrained
from tests.shortcuts import quick

TINY = ("search=slices", "search.epochs=2", "search.largest_epochs=1", "search.first_epochs=1", "search.evaluations=6",
        "search.proposed=2", "search.recalibration_images=16", "train.epochs=2", "train.batch_size=8", "run.threads=1",
        "run.progress=plain", "budget.macs=1500000")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (root / name).mkdir()
        for i in range(16):
            pixels = rng.integers(100 * label, 100 * label + 140, (40, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


@pytest.mark.slow
def test_what_is_delivered_another_limit_and_the_front(dcanas, photos, tmp_path) -> None:
    run, second = tmp_path / "run", tmp_path / "second"
    with quick():
        answer = dcanas("run", str(photos), *TINY, f"run.dir={run}")
        assert answer.code == 0, answer.err
        found = read_json(run / "search" / "slices.json")
        made = found["targets"]["local-cpu"]
        kinds = {row["architecture"]: row["kind"] for row in made["nominees"]}
        assert {"cut after a stage", "slice"} == set(kinds.values())
        assert len(found["history"]) == 2
        certificate = read_json(run / "certificate.json")
        assert certificate["architecture"] == made["architecture"] in kinds
        macs = next(row for row in certificate["rows"] if row["name"] == "macs")
        assert macs["measured"] == macs["predicted"] <= 1.5e6
        parts = PretrainedParts(load_pretrained(PretrainedSettings("efficientnet_lite0")))
        slices = [parts.chain(parts.parse(text)) for text, kind in kinds.items() if kind == "slice"]
        assert all(parts.is_member(parts.encode(chain)) for chain in slices)

        supernet = (run / "search" / "supernet.pt").read_bytes()  # the same supernet serves another limit
        answer = dcanas("derive", f"source={run}", "budget.macs=1200000", f"run.dir={second}", "run.progress=plain")
        assert answer.code == 0, answer.err
        assert (second / "search" / "supernet.pt").read_bytes() == supernet
        derived = read_json(second / "derived" / "local-cpu" / "architecture.json")
        assert derived["costs"]["macs"]["value"] <= 1.2e6

        answer = dcanas("front", str(photos), *TINY, f"run.dir={run}")
        assert answer.code == 0, answer.err
        front = read_json(run / "search" / "front.json")
        judged = [(row["loss"], row["macs"]) for row in front["judged"]]
        assert {(row["loss"], row["macs"]) for row in front["front"]} == {
            (loss, cost) for loss, cost in judged
            if not any(a <= loss and b <= cost and (a, b) != (loss, cost) for a, b in judged)}
        assert {row["kind"] for row in front["judged"]} == {"cut after a stage", "slice"}
        tuned = [i for i, row in enumerate(front["front"]) if "fine_tuned_accuracy" in row]
        knee = next(i for i, row in enumerate(front["front"]) if row["knee"])
        assert tuned == sorted({0, knee, len(front["front"]) - 1})
        assert "Hypervolume" in answer.out
        answer = dcanas("report", f"source={run}")
        assert answer.code == 0, answer.err
        assert "Slices under other limits" in (run / "report.html").read_text()


@pytest.mark.parametrize("way", ["alphas", "greedy", "evolution", "random"])
@pytest.mark.slow
def test_every_way_proposes_slices_within_the_limit(dcanas, photos, tmp_path, way) -> None:
    with quick():
        answer = dcanas("search", str(photos), *TINY, f"search.choose={way}", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    made = read_json(tmp_path / "run" / "search" / "slices.json")["targets"]["local-cpu"]
    assert made["nominees"]
    judged = read_json(tmp_path / "run" / "search" / "inherited-local-cpu.json")
    assert judged
    before = (tmp_path / "run" / "search" / "slices.json").read_bytes()
    (tmp_path / "run" / "search" / "slices.json").unlink()  # what was judged and trained is not made again
    with quick():
        assert dcanas("search", str(photos), *TINY, f"search.choose={way}", f"run.dir={tmp_path / 'run'}").code == 0
    assert (tmp_path / "run" / "search" / "slices.json").read_bytes() == before
    shutil.rmtree(tmp_path / "run")


def test_what_is_refused(dcanas, photos, tmp_path) -> None:
    for arguments, said in (
            (("search", str(photos), "search=slices", "space=mbconv", "pretrained=none"), "pretrained=NAME"),
            (("search", str(photos), "search=slices", "search.choose=alpha"), "did you mean 'alphas'?"),
            (("front", str(photos), "search=slices", "budget=none"), "needs limits")):
        answer = dcanas(*arguments, f"run.dir={tmp_path / 'run'}")
        assert answer.code == 2
        assert said in answer.err
        assert answer.err.count("\n") == 1
