"""The published robustness data set becomes a table."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from dcanas.spaces import load_space
from tools.__main__ import main

SPACE = load_space("nasbench201")


def _published(folder: Path) -> None:
    """Write a data set of the published layout with two networks that were evaluated and one isomorph."""
    codes = list(SPACE.enumerate())
    ids = {str(k): {"nb201-string": SPACE.format(codes[k]), "isomorph": uid}
           for k, uid in ((0, "0"), (1, "1"), (2, "0"))}
    keys = {"fgsm@Linf": [0.1, 1.0], "pgd@Linf": [1.0], "aa_apgd-ce@Linf": [1.0], "aa_square@Linf": [1.0]}
    (folder / "cifar10").mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"ids": ids, "epsilons": keys}))
    contents = {"clean": {"0": 0.893, "1": 0.5}, "fog": {"0": [.8, .7, .6, .5, .4], "1": [.5] * 5},
                **{key: {"0": [0.336] * len(eps), "1": [0.25] * len(eps)} for key, eps in keys.items()}}
    for key, values in contents.items():
        (folder / "cifar10" / f"{key}_accuracy.json").write_text(
            json.dumps({"cifar10": {key: {"accuracy": values}}}))


def test_the_published_files_become_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _published(tmp_path / "data")
    assert main(["import_robustness_dataset", str(tmp_path / "data"), str(tmp_path)]) == 0
    with gzip.open(tmp_path / "nasbench201_robustness_cifar10.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    assert [row["index"] for row in rows] == ["0", "1", "2"]
    assert [row["clean"] for row in rows] == ["89.30", "50.00", "89.30"]  # 2 is an isomorph of 0
    assert rows[0]["fgsm_eps1.0"] == rows[0]["pgd_eps1.0"] == "33.60"
    assert rows[0]["fog_severity5"] == "40.00"
    (tmp_path / "data" / "cifar10" / "pgd@Linf_accuracy.json").write_text(
        json.dumps({"cifar10": {"pgd@Linf": {"accuracy": {"0": [33.6], "1": [0.1]}}}}))
    assert main(["import_robustness_dataset", str(tmp_path / "data"), str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "network 0 should have 1 accuracies from 0 to 1, found [33.6]" in error or "network 1 should" in error
    assert main(["import_robustness_dataset", str(tmp_path), str(tmp_path)]) == 2
    assert "There is no" in capsys.readouterr().err
