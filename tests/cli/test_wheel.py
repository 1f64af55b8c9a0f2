"""The wheel: complete, and at home in any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable

import pytest


@pytest.fixture
def python(installed, tmp_path) -> Callable[..., str]:
    """Return a function that runs Python on the installed package from an empty folder, and returns what it prints."""

    def run(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=tmp_path,
                              env={**os.environ, "PYTHONPATH": str(installed)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_content_and_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"dcanas"}
    assert "dcanas/conf/config.yaml" in names
    assert "dcanas/py.typed" in names
    assert "dcanas/hardware_profiles/local-cpu.yaml" in names
    assert not [name for name in names if "tests" in name.split("/") or "/test_" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Dist: torch<3,>=2.9" in metadata
    assert "Requires-Dist: pytest" not in metadata


@pytest.mark.slow
def test_installed_beside_torch(installed, python, tmp_path, tiny):
    where = python("-c", "import dcanas; from dcanas.basics.resources import resource_folder as f; "
                         "print(dcanas.__file__, f('conf'), f('hardware_profiles'), sep='\\n')").splitlines()
    assert where == [str(installed / "dcanas" / name) for name in ("__init__.py", "conf", "hardware_profiles")]
    assert "nasbench201" in python("-m", "dcanas", "list", "spaces")
    assert "local-cpu" in python("-m", "dcanas", "list", "devices")
    assert "% of them are within all limits." in python("-m", "dcanas", "feasibility", *tiny)
    assert not list(tmp_path.iterdir())


PHOTOS = """
import dcanas
tiny = {"space.final_skeleton": {"channels": 4, "cells": 1}, "space.search_skeleton": {"channels": 4, "cells": 1},
        "search": {"epochs": 1, "finalists": 1, "rerank": []}, "train.epochs": 2, "run.threads": 1}
run = dcanas.run(data="photos", device="local-cpu", budget={"latency_ms": 8, "weight_bytes": "500 kB"}, seed=0,
                 settings=tiny)
print(run.certificate.met, run.certificate.accuracy.n, len(run.candidates), run.model.training)
print(run.directory.parent, run.onnx.is_file(), run.bundle.name, dcanas.load(run.directory) == run)
"""


@pytest.mark.slow
def test_the_whole_way_in_ten_lines_of_python(python, images, tmp_path):
    images(tmp_path / "photos", {".": 40})
    first, second = python("-c", PHOTOS).splitlines()
    assert first == "True 24 100 False"
    assert second == "runs True bundle True"
