"""What the tests of commands share: a run so small that it takes seconds, done once, and commands called in-process."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from shortcuts import quick

from dcanas.cli.main import main

TINY = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "space.search_skeleton.channels=4",
        "search=differentiable", "search.epochs=2", "search.finalists=2", "search.finalist_epochs=1",
        "search.batch_size=64", "train.epochs=2", "train.batch_size=64", "run.threads=1", "run.progress=plain")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    return TINY


@pytest.fixture(scope="session")
def dcanas() -> Callable[..., Answer]:
    """Return a function that does what the command line does, in this process and without waiting (`quick`)."""

    def call(*arguments: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with quick(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(argument) for argument in arguments])
        return Answer(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def finished(dcanas, tmp_path_factory) -> Path:
    """The directory of a run that is done, made once for all workers; tests do not change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "finished" / "run"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "report.html").is_file():
            answer = dcanas("run", *TINY, f"run.dir={folder}")
            assert answer.code == 0, answer.err
    return folder


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen]:
    """Return a function that starts the command line in a process of its own."""

    def popen(*arguments: object, **options) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "dcanas", *map(str, arguments)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, **{
                "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever started the tests
                **options})

    return popen


@pytest.fixture(scope="session")
def hashes() -> Callable[[Path], dict[str, str]]:
    """Return a function that tells {relative path: hash} of every file in a folder."""
    return lambda folder: {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
                           for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Callable[..., Path]:
    """Return a function that writes real digits as PNG files in folders per split and class."""
    from PIL import Image
    from sklearn.datasets import load_digits

    raw = load_digits()

    def write(root: Path, counts: dict[str, int], classes: int = 3, noise: tuple[str, ...] = ()) -> Path:
        rng = np.random.default_rng(0)
        for label in range(classes):
            of_class = iter(np.flatnonzero(raw.target == label))
            for part, count in counts.items():
                folder = root / part / f"digit {label}"
                folder.mkdir(parents=True)
                for number in range(count):
                    pixels = (raw.images[next(of_class)] * 15).astype(np.uint8)
                    if part in noise:
                        pixels = rng.integers(0, 256, pixels.shape, dtype=np.uint8)
                    Image.fromarray(pixels).save(folder / f"{number}.png")
        return root

    return write


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout."""
    if shutil.which("uv") is None:
        pytest.skip("uv is not here to build the wheel")
    folder = tmp_path_factory.mktemp("dist")
    repository = Path(__file__).parents[2]
    done = subprocess.run(["uv", "build", "-q", "--wheel", "-o", str(folder), str(repository)], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder into which the wheel is installed, without what it depends on, which is here."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(["uv", "pip", "install", "-q", "--no-deps", "--python", sys.executable, "--target", str(target),
                    str(wheel)], check=True)
    return target
