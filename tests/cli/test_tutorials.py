"""The tutorials' lines, taken from the pages and run as they stand, each page in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pages import code_of

DOCS = Path(__file__).parents[2] / "docs"
SECONDS = 90  # on an idle machine with two cores; a loaded one is given twenty times as long
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(page: Path) -> str:
    """Return a page's lines as one shell script; Python runs in the folder in which the page began."""
    parts = ["set -euo pipefail", "BASE=$PWD"]
    for language, lines in BLOCK.findall(page.read_text(encoding="utf-8")):
        python = f"(cd \"$BASE\" && python - <<'END_OF_PAGE'\n{lines}END_OF_PAGE\n)"
        parts.append(lines if language == "bash" else python)
    return "\n".join(parts)


def run_page(name: str, folder: Path, environment: dict[str, str], here: dict[str, str] | None = None) -> str:
    """Run the lines of a tutorial and return what they print; here: words of the page -> what they are on this machine.
    """
    lines = script(DOCS / "tutorials" / f"{name}.md")
    for word, meant in (here or {}).items():
        assert word in lines
        lines = lines.replace(word, meant)
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    for program, arguments in {"dcanas": "-m dcanas", "python": ""}.items():
        (programs / program).write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        (programs / program).chmod(0o755)
    path = f"{programs}{os.pathsep}{environment.pop('PATH', os.environ['PATH'])}"
    source = os.pathsep.join([str(DOCS.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    start = time.monotonic()
    done = subprocess.run(["bash", "-c", lines], cwd=folder, text=True,
                          capture_output=True, timeout=20 * SECONDS, check=False,
                          env={**os.environ, "PATH": path, "PYTHONPATH": source, "OMP_NUM_THREADS": "1", **environment})
    print(f"{name}: {time.monotonic() - start:.0f} s")
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_photos(home, images):
    images(home, {"photos": 24})
    shown = run_page("photos", home, {})
    assert "3 classes" in shown
    assert "True" in shown.splitlines()[-2]  # within the limits


@pytest.mark.slow
def test_microcontroller(home):
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    shown = run_page("microcontroller", home, {})
    assert "Emulated on mps2-an386, it gives the same bytes as here for 359 images" in shown


@pytest.mark.slow
def test_experiments(home):
    pytest.importorskip("pandas")
    shown = run_page("experiments", home, {})
    assert "accuracy" in shown
    assert (home / "comparison.html").is_file()


@pytest.mark.slow
def test_own_parts(home):
    (home / "ladder_space.py").write_text(code_of("add-a-space"))
    (home / "largest.py").write_text(code_of("add-a-search"))
    shown = run_page("own-parts", home, {})
    assert "spread" in shown
    assert "mine.py" in (home / "own" / "settings.yaml").read_text()
