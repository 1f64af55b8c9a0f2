"""`baseline=true` from pretrained weights: cuts of the network beside what is searched."""

from __future__ import annotations

import json

import pytest

from dcanas.basics.files import read_json

ASKED = ("digits", "space=mbconv", "pretrained=efficientnet_lite0", "search=random", "search.evaluations=1",
         "search.epochs=1", "data.size=32", "data.fraction=0.1", "train.epochs=1", "device=raspi4",
         "baseline=true", "run.threads=1", "run.progress=plain")


@pytest.mark.slow
def test_a_run_compares_with_the_best_cut_and_goes_on_where_it_was(dcanas, tmp_path):
    answer = dcanas("run", *ASKED, "budget.macs=5e6", f"run.dir={tmp_path / 'run'}")
    assert answer.code == 0, answer.err
    folder = next((tmp_path / "run/derived").iterdir())
    comparison = read_json(folder / "baseline/comparison.json")
    cuts = [row for row in comparison["candidates"] if row["family"] == "pretrained"]
    assert len(cuts) == 3  # after stages 3 to 5
    assert all(row["recipe"] == "full" for row in cuts)
    full = [row for row in comparison["candidates"] if row["recipe"] == "full"]
    best = max(full, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert comparison["baseline"]["name"] == best["name"]
    assert len(comparison["splits"]["searched"]) == len(comparison["splits"]["baseline"]) == 3
    trainings = read_json(folder / "baseline/trainings.json")
    assert len(trainings) == len(full) + 6
    certificate = read_json(folder / "certificate.json")
    assert all(row["met"] is True for row in certificate["comparison"]["rows"] if row["limit"] is not None)
    assert "Both were trained on 3 fresh splits" in (folder / "certificate.md").read_text(encoding="utf-8")
    assert "Both networks trained by the same recipe on fresh splits" in (tmp_path / "run/report.html").read_text(
        encoding="utf-8")
    stored = {**trainings, next(key for key in trainings if key.endswith("split 2")): {
        "validation_accuracy": 0.123, "validation_loss": 1.0}}
    (folder / "baseline/trainings.json").write_text(json.dumps(stored))
    (tmp_path / "run/manifest.json").unlink()  # against which what is stored would be held
    (folder / "baseline/comparison.json").unlink()
    (folder / "certificate.json").unlink()
    again = dcanas("run", *ASKED, "budget.macs=5e6", f"run.dir={tmp_path / 'run'}")
    assert again.code == 0, again.err
    splits = read_json(folder / "baseline/comparison.json")["splits"]
    assert 0.123 in (splits["searched"][1], splits["baseline"][1])  # taken from what was stored, not trained again
    assert "Compare: train" not in again.out
