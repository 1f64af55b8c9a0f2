"""The test images decide nothing: with noise in their place everything but the accuracy is the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_noise_instead_of_test_images(dcanas, tiny, images, tmp_path):
    counts = {"train": 40, "val": 10, "test": 10}
    found = {}
    for name, noise in (("real", ()), ("noise", ("test",))):
        root = images(tmp_path / name, counts, noise=noise)
        run = tmp_path / f"run of {name}"
        answer = dcanas("train", *tiny, "train.epochs=8", "train.batch_size=16",
                        "search.pool=4", "search.rerank_evaluations=6", "data=folder", f"data.root={root}",
                        f"run.dir={run}")
        assert answer.code == 0, answer.err
        found[name] = run
    real, noise = found.values()

    def same(name: str) -> bool:
        return (real / name).read_bytes() == (noise / name).read_bytes()

    assert same("search/scores.json")
    assert same("derived/local-cpu/architecture.json")
    assert same("derived/local-cpu/finalists.json")
    assert same("derived/local-cpu/weights.pt")
    assert accuracy(real) > accuracy(noise)


def accuracy(run: Path) -> float:
    return json.loads((run / "derived/local-cpu/train.json").read_text())["accuracy"]
