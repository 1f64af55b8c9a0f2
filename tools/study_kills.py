"""Runs of every kind of search, killed by SIGKILL in all of their stages: do they end as an undisturbed run does?

    python -m tools study_kills kills=10 seed=0 out=kills

For each search a small run is done once without and once with kills: the process and its workers are killed at a
random moment after a stage has begun, the stages in turn, and the same command is given again. Compared are the weights
and the ONNX file bit by bit, the architecture, what the search found, and accuracy and counted costs of the certificate
(what is measured differs from run to run). Every kill is a line of OUT/kills.jsonl; the same command goes on there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.basics.files import sha256_of

CELLS = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "space.search_skeleton.channels=4")
TRAINED = ("train.epochs=2", "train.batch_size=64", "run.threads=1", "run.progress=plain")
FINALISTS = ("search.finalists=2", "search.finalist_epochs=1")
STUDY = ("search.evaluations=6", "search.initial=3", "search.epochs=1", *FINALISTS)
PHOTOS = ("data=folder", "data.root=photos", "train.epochs=2", "train.batch_size=8", "run.threads=1",
          "run.progress=plain")
ELASTIC = ("space.final_skeleton.reference=16", "space.search_skeleton.stem=8", "space.search_skeleton.expansion=2",
           "space.search_skeleton.width=[[8],[16],[16],[24],[24],[32],[32,48]]", "space.search_skeleton.depth=1",
           "space.search_skeleton.kernel=[3,5]", "space.search_skeleton.head=[32,64]", "budget.params=20500")
SEARCHES = {
    "differentiable": (*CELLS, *TRAINED, *FINALISTS, "search.epochs=2", "search.batch_size=64"),
    "proxybo": ("search=proxybo", "search.proxies=[params]", *CELLS[:2], *TRAINED, *STUDY),
    "zero_shot": ("search=zero_shot", "search.names=[synflow,nwot]", "search.batch_size=8", "search.evaluations=8",
                  "search.population=4", "search.tournament=2", *CELLS[:2], *TRAINED),
    "elastic": ("space=mobilenetv2", *ELASTIC, *TRAINED, "search.finalists=2", "search.finalist_epochs=8",
                "search.epochs=4", "search.batch_size=256",
                "search.random_members=1", "search.evaluations=12", "search.population=6", "search.tournament=3"),
    "halving": ("space=mbconv", "search=halving", *PHOTOS, "search.candidates=3", "search.first_epochs=1",
                "budget.macs=3000000"),
    "slices": ("space=mbconv", "search=slices", *PHOTOS, "search.epochs=2", "search.largest_epochs=1",
               "search.first_epochs=1", "search.evaluations=6", "search.proposed=2", "search.recalibration_images=16",
               "budget.macs=1500000"),
}
BEGINS = re.compile(r"(\S.*?) \.\.\.$")  # a stage; its end is told as "STAGE: 1.2 s"
TIMED = ("seconds", "worker", "trial", "image_ms", "latency", "date", "command", "versions")


def main(*, kills: int = 10, seed: int = 0, out: Path = Path("kills"), searches: str = ",".join(SEARCHES)) -> None:
    """Kill runs and print how often, in which stages, and whether the results are equal.

    Args:
        kills: of each search.
        seed: of the moments.
        out: folder of the runs and the report.
        searches: names, separated by commas.

    Raises:
        UserError: a run failed, or its result is another.
    """
    out.mkdir(parents=True, exist_ok=True)
    _photos(out / "photos")
    path, wrong = out / "kills.jsonl", []
    for search in searches.split(","):
        (out / search).mkdir(exist_ok=True)
        stages = _undisturbed(out, search)
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        done = [row["stage"] for row in rows if row["search"] == search]
        rng = np.random.default_rng([seed, len(done), *search.encode()])
        different: list[str] = []
        for _ in range(3 * kills):
            if len(done) == kills:
                break
            name, _ = stages[len(done) * len(stages) // kills]
            stage = _killed(out, search, name, float(rng.uniform()))
            if stage is None:  # the run is at its end, so another one begins
                different += _ended(out, search)
                continue
            done.append(stage)
            with path.open("a") as file:
                file.write(json.dumps({"search": search, "number": len(done), "stage": stage}) + "\n")
        different = sorted({*different, *_ended(out, search)})
        wrong += [f"{search}: {name}" for name in different]
        print(f"{search}: {len(done)} kills ({', '.join(f'{n} in {s}' for s, n in Counter(done).items())}): "
              f"{'other: ' + ', '.join(different) if different else 'the same, bit by bit'}", flush=True)
    if wrong:
        raise UserError(f"Killed runs ended otherwise: {'; '.join(wrong)}.")


def _ended(out: Path, search: str) -> list[str]:
    """Do the killed run to its end, and return which of its results differ; equal ones are removed."""
    code, _ = _run(out, search, "killed")
    different = ["it failed"] if code else _different(out / search / "whole", out / search / "killed")
    if not different:
        shutil.rmtree(out / search / "killed")
    return different


def _command(out: Path, search: str, name: str) -> tuple[list[str], dict[str, Any]]:
    words = [sys.executable, "-u", "-m", "dcanas", "run", "--verbose", *SEARCHES[search], f"run.dir={search}/{name}"]
    repository = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, (repository, os.environ.get("PYTHONPATH"))))
    return words, {"cwd": out, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT,
                   "start_new_session": True, "env": {**os.environ, "PYTHONPATH": path}}


def _run(out: Path, search: str, name: str) -> tuple[int, list[tuple[str, float]]]:
    """Do a run; return its exit code and how many seconds each stage took."""
    words, how = _command(out, search, name)
    process = subprocess.Popen(words, **how)
    begun: list[tuple[str, float]] = []
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if found := BEGINS.match(line):
            begun.append((found[1], time.monotonic()))
    ends = [*(at for _, at in begun[1:]), time.monotonic()][:len(begun)]
    if process.wait():
        print("".join(lines[-5:]))
    return process.returncode, [(stage, end - at) for (stage, at), end in zip(begun, ends, strict=True)]


def _undisturbed(out: Path, search: str) -> list[tuple[str, float]]:
    """Return the stages of a run without kills, which is done once, and their seconds."""
    known = out / search / "stages.json"
    if not known.exists():
        code, stages = _run(out, search, "whole")
        if code:
            raise UserError(f"The undisturbed run of {search} failed.")
        known.write_text(json.dumps(stages))
    return [(stage, seconds) for stage, seconds in json.loads(known.read_text())]


def _killed(out: Path, search: str, marker: str, share: float) -> str | None:
    """Start a run and kill it in the marked stage, or the first after it; return the stage; None if it ended before.

    share: of the stage's time in an undisturbed run, after which it is killed.
    """
    seconds = dict(_undisturbed(out, search))
    words, how = _command(out, search, "killed")
    process = subprocess.Popen(words, **how)
    assert process.stdout is not None
    stage, kill_at = "the beginning", None
    os.set_blocking(process.stdout.fileno(), False)
    while process.poll() is None and (kill_at is None or time.monotonic() < kill_at):
        line = process.stdout.readline()
        if not line:
            time.sleep(0.005)
        elif found := BEGINS.match(line):
            stage = found[1]
            if kill_at is None and (stage == marker or not _comes(out, search, stage, marker)):
                kill_at = time.monotonic() + share * seconds.get(stage, 0.0)
    if process.poll() is not None:
        return None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return stage


def _comes(out: Path, search: str, stage: str, marker: str) -> bool:
    """Return whether a stage comes before the marked one in an undisturbed run."""
    names = [name for name, _ in _undisturbed(out, search)]
    return stage not in names or names.index(stage) < names.index(marker)


def _different(whole: Path, killed: Path) -> list[str]:
    """Return which results of two runs differ."""
    different = []
    for path in sorted(whole.rglob("*")):
        name, other = path.relative_to(whole).as_posix(), killed / path.relative_to(whole)
        if path.suffix in (".onnx", ".npz") or path.name == "weights.pt":
            same = other.is_file() and sha256_of(path) == sha256_of(other)
        elif path.name in ("architecture.json", "certificate.json", "train.json", "scores.json", "supernet.json",
                           "study.json", "halving.json", "slices.json", "finalists.json"):
            same = other.is_file() and _untimed(json.loads(path.read_text())) == _untimed(json.loads(other.read_text()))
        else:
            continue
        different += [] if same else [name]
    return different


def _untimed(value: Any) -> Any:
    """Return a tree of values without those that are measured."""
    if isinstance(value, dict):
        return {key: _untimed(entry) for key, entry in value.items() if key not in TIMED}
    if isinstance(value, list):
        return [_untimed(entry) for entry in value
                if not (isinstance(entry, dict) and str(entry.get("name")).startswith("latency"))]
    return value


def _photos(root: Path) -> None:
    """Write two classes of small noisy images, dark and light."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(16):
            pixels = rng.integers(100 * label, 100 * label + 140, (40, 48, 3), dtype=np.uint8)
            if not (root / name / f"{number}.png").exists():
                Image.fromarray(pixels).save(root / name / f"{number}.png")
