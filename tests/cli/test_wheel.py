"""The wheel: complete, and at home in any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    if shutil.which("uv") is None:
        pytest.skip("uv is not here to build the wheel")
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(["uv", "build", "-q", "--wheel", "-o", str(folder), str(REPOSITORY)], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_content_and_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"dcanas"}
    assert "dcanas/conf/config.yaml" in names
    assert "dcanas/hardware_profiles/local-cpu.yaml" in names
    assert not [name for name in names if "tests" in name.split("/") or "/test_" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Dist: torch<3,>=2.9" in metadata
    assert "Requires-Dist: pytest" not in metadata


@pytest.mark.slow
def test_installed_beside_torch(wheel, tmp_path, tiny):
    target, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["uv", "pip", "install", "-q", "--no-deps", "--python", sys.executable, "--target", str(target),
                    str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def python(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=elsewhere,
                              env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = python("-c", "import dcanas; from dcanas.basics.resources import resource_folder as f; "
                         "print(dcanas.__file__, f('conf'), f('hardware_profiles'), sep='\\n')").splitlines()
    assert where == [str(target / "dcanas" / name) for name in ("__init__.py", "conf", "hardware_profiles")]
    assert "nasbench201" in python("-m", "dcanas", "list", "spaces")
    assert "local-cpu" in python("-m", "dcanas", "list", "devices")
    assert "% of them are within all limits." in python("-m", "dcanas", "feasibility", *tiny)
    assert not list(elsewhere.iterdir())
