"""The lines of the tutorials and the README, taken from the pages and run as they stand by the installed wheel, each
page in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pages import code_of

ROOT = Path(__file__).parents[2]
SECONDS = 90  # on an idle machine with two cores; a loaded one is given twenty times as long
QUICKLY = """import sys

sys.path.append({tests!r})
from shortcuts import quick

from dcanas.cli.main import main

if __name__ == "__main__":
    with quick():
        sys.exit(main(sys.argv[1:]))
"""
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(page: Path) -> str:
    """Return a page's lines as one shell script; Python runs in the folder in which the page began."""
    parts = ["set -euo pipefail", "BASE=$PWD"]
    for language, lines in BLOCK.findall(page.read_text(encoding="utf-8")):
        python = f"(cd \"$BASE\" && python - <<'END_OF_PAGE'\n{lines}END_OF_PAGE\n)"
        parts.append(lines if language == "bash" else python)
    return "\n".join(parts)


@pytest.fixture
def run_page(installed: Path, home: Path) -> Callable[..., str]:
    """Return a function that runs the lines of a page, with the wheel in place of this checkout."""
    return partial(_run_page, installed=installed, folder=home)


def _run_page(name: str, here: dict[str, str] | None = None, *, installed: Path, folder: Path,
              whole: bool = False) -> str:
    """Run the lines of a page and return what they print.

    Args:
        name: of the page below the repository, without its suffix.
        here: words of the page -> what they are on this machine.
        whole: the command measures as long as users do, and draws.
    """
    lines = script(ROOT / f"{name}.md")
    for word, meant in (here or {}).items():
        assert word in lines
        lines = lines.replace(word, meant)
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "quickly.py").write_text(QUICKLY.format(tests=str(ROOT / "tests")))
    command = "-m dcanas" if whole else f"{programs / 'quickly.py'}"
    for program, arguments in {"dcanas": command, "python": ""}.items():
        (programs / program).write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        (programs / program).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    where = subprocess.run([sys.executable, "-c", "import dcanas; print(dcanas.__file__)"], cwd=folder, text=True,
                           capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(installed)})
    assert Path(where.stdout.strip()).is_relative_to(installed)
    start = time.monotonic()
    done = subprocess.run(["bash", "-c", lines], cwd=folder, text=True,
                          capture_output=True, timeout=20 * SECONDS, check=False,
                          env={**os.environ, "PATH": path, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"})
    print(f"{name}: {time.monotonic() - start:.0f} s")
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    folder.mkdir()
    return folder


both = pytest.mark.parametrize("whole", [
    pytest.param(False, marks=pytest.mark.slow, id="short"),
    pytest.param(True, marks=[pytest.mark.slow, pytest.mark.thorough], id="whole")])
COUNTED = {'"budget.latency_ms=2 ms"': "budget.params=100000", '{"latency_ms": 2}': '{"params": 100000}'}


@both
def test_readme(run_page, home, images, whole):
    """The lines on photographs; those from Python take over the run of the command. Short: under a limit that needs no
    measurement of candidates."""
    images(home, {"photos": 24})
    shutil.copy(next((home / "photos").rglob("*.png")), home / "photo.jpg")
    shown = run_page("README", {} if whole else COUNTED, whole=whole).splitlines()
    assert any(re.fullmatch(r"photo\.jpg: digit \d \(\d\.\d{4}\)", line) for line in shown)
    assert re.match(r"(True|False) Accuracy\(value=", shown[-1])
    assert len(list(home.glob("first*"))) == 1


@pytest.mark.slow
def test_photos(run_page, home, images):
    images(home, {"photos": 24})
    shown = run_page("docs/tutorials/photos")
    assert "3 classes" in shown
    assert "True" in shown.splitlines()[-2]  # within the limits


SHORT = " train.epochs=4 search.epochs=2 search.finalists=2 search.finalist_epochs=1 search.rerank=[]"


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("whole", [False, True], ids=["short", "whole"])
def test_board(run_page, board, whole):
    """On a real SSH server of this machine, whose Python is the one of these tests."""
    shown = run_page("docs/tutorials/board", {"python: python3": f"python: {sys.executable}",
                                              "run.dir=onboard": "run.dir=onboard" + (not whole) * SHORT}, whole=whole)
    print(shown)
    assert "Ship the searched network: onboard/bundle" in shown
    assert "measured on board" in shown


@pytest.mark.slow
def test_microcontroller(run_page):
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    shown = run_page("docs/tutorials/microcontroller")
    assert "Emulated on mps2-an386, it gives the same bytes as here for 359 images" in shown


@pytest.mark.slow
def test_experiments(run_page, home):
    pytest.importorskip("pandas")
    shown = run_page("docs/tutorials/experiments")
    assert "accuracy" in shown
    assert (home / "comparison.html").is_file()


@pytest.mark.slow
def test_own_parts(run_page, home):
    (home / "ladder_space.py").write_text(code_of("add-a-space"))
    (home / "largest.py").write_text(code_of("add-a-search"))
    shown = run_page("docs/tutorials/own-parts")
    assert "spread" in shown
    assert "mine.py" in (home / "own" / "settings.yaml").read_text()
