"""Files of runs and of devices that rot: each command that reads them refuses, makes them again, or shows the same.

Three runs are made once: a finished one, one that stopped while it trained, a study that stopped. For each command one
trial with whole files tells what it reads and what comes of it; cases are spread evenly over these pairs. A case copies
the run, changes one file and calls the command, in this process, measuring shortly. It counts if that read the file:
the time of the last access, which the file system keeps, tells.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import yaml

from dcanas.basics.errors import UserError
from dcanas.basics.resources import resource_folder
from tools.fuzz_cases import Case, Outcome, refusal
from tools.mutations import mutated

DEVICE = "fuzzed"
SMALL = ("space.final_skeleton.channels=4", "space.final_skeleton.cells=1", "space.search_skeleton.channels=4",
         "search.finalists=2", "search.finalist_epochs=1", "train.epochs=2", "train.batch_size=64", "run.threads=1",
         "run.progress=plain", f"device={DEVICE}", "deploy.seconds=0.1")
GRADIENT = (*SMALL, "search.epochs=2", "search.batch_size=64", "attacks=[fgsm]", "robustness=true", "attack_images=20",
            "int8=true")
STUDY = (*SMALL, "search=random", "search.evaluations=4", "search.epochs=1")
SETTINGS = {"finished": GRADIENT, "stopped": GRADIENT, "study": STUDY}
COMMANDS = {"finished": ("run", "report", "derive", "export", "deploy", "verify", "load"),
            "stopped": ("train", "report", "verify"), "study": ("search", "report", "verify")}
PARTLY = ("derive", "export", "deploy")  # take what they need of a run, and leave the rest as it is
DERIVED = ("architecture.json", "pool.json", "finalists.json", "key.json", "data.json", "training")
PROMISED = ("weights.pt", "model.onnx", "model.int8.onnx", "architecture.json", "labels.txt", "test.npz",
            "preprocessing.json", "infer.py", "network.py", "certificate.json", "scores.json", "study.json")
TIMED = re.compile(r"\d+(\.\d+)?( s\b| ms\b)")
Pair = tuple[str, str, str]  # run, command, file


def files(rng: np.random.Generator, work: Path, number: int, older: bool = False) -> Case:
    """Return a command on a run with one changed file.

    Args:
        older: the run has no manifest, so what was changed is not found unless it cannot be read.
    """
    pairs, expected = _trials(work, older)
    run, command, name = pairs[number % len(pairs)]
    path = work / "devices" / name if name == f"{DEVICE}.yaml" else work / "case/run" / name
    whole = (work / "runs" / run / name if path.parent.name != "devices" else path).read_bytes()
    how, content = mutated(whole, name, rng)

    def case() -> Outcome:
        _copied(work, run, older)
        path.write_bytes(content)
        try:
            return _judged(work, (run, command, name), path, expected, older)
        finally:
            if path.parent.name == "devices":
                path.write_bytes(whole)

    return Case(f"{command}: {_kind(name)}", f"{run}: {name}: {how}", case)


def _judged(work: Path, pair: Pair, path: Path, expected: dict[str, Any], older: bool) -> Outcome:
    run, command, name = pair
    os.utime(path, ns=(0, path.stat().st_mtime_ns))
    with path.open("rb") as kept:  # the file may be renamed meanwhile
        code, out, err = _called(work, run, command)
        if os.fstat(kept.fileno()).st_atime_ns == 0:
            return Outcome("not read", "")
    err = "".join(line for line in err.splitlines(keepends=True) if " is busy (load " not in line)  # of this machine
    if code == 2:
        return refusal(UserError(err.strip().splitlines()[-1] if command == "verify" and err.strip() else err.strip()))
    if code != 0 or "\x1b" in out:
        return Outcome("wrong", f"exit code {code}: {out[-500:]} {err}")
    if name == f"{DEVICE}.yaml":
        return Outcome("harmless", "read as a device that is described so")
    again = [line for line in (out + err).splitlines() if "made again" in line or "going back" in line]
    found, known = _observed(work, run, command, out), expected[f"{run} {command}"]
    own = {path.relative_to(work).as_posix()} if command in PARTLY else set()
    if "is damaged" in err and not again:
        return Outcome("found", err)
    if path.name == "metrics.jsonl" and run != "finished":
        own.add("page")  # the curves so far; a log that is still written to is in no manifest
    different = [key for key in known if found.get(key) != known[key] and key not in own
                 and not (again and key == "shown")]
    if older:
        return Outcome("not checked" if different else "harmless", f"other: {different}" if different else "the same")
    if different:
        return Outcome("wrong", f"other than without the change: {different}; {out[-800:]}")
    return Outcome("made again", again[0]) if again else Outcome("harmless", f"{_kind(name)}: the same results")


@functools.cache
def _trials(work: Path, older: bool) -> tuple[list[Pair], dict[str, Any]]:
    """Return which command reads which file of which run, one kind of file after the other, and what comes of each."""
    _devices(work)
    pairs: list[Pair] = []
    expected: dict[str, Any] = {}
    for run, commands in COMMANDS.items():
        _made(work, run)
        for command in commands:
            _copied(work, run, older)
            inside = [path for path in (work / "case/run").rglob("*") if path.is_file() and path.stat().st_size]
            watched = {path: path.relative_to(work / "case/run").as_posix() for path in inside}
            watched[work / f"devices/{DEVICE}.yaml"] = f"{DEVICE}.yaml"
            with contextlib.ExitStack() as stack:
                kept = {}
                for path in watched:
                    os.utime(path, ns=(0, path.stat().st_mtime_ns))
                    kept[path] = stack.enter_context(path.open("rb"))
                code, out, err = _called(work, run, command)
                if code and not (run != "finished" and command == "report"):
                    raise AssertionError(f"{command} of {run}: {out} {err}")
                read = [path for path, file in kept.items() if os.fstat(file.fileno()).st_atime_ns]
            if not read and not pairs:  # `run` reads nearly all; `verify` of a study without a manifest nothing
                raise UserError(f"The file system of {work} does not note when files are read; choose another out=.")
            expected[f"{run} {command}"] = _observed(work, run, command, out) if code == 0 else {}
            unchanged = ("-shm", "-wal", *((".py", "manifest.json") if older else ()))
            pairs += [(run, command, watched[path]) for path in read if not watched[path].endswith(unchanged)]
    order: dict[str, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: hashlib.sha256("".join(pair).encode()).digest()):
        order.setdefault(_kind(pair[2]), []).append(pair)
    rows = max(map(len, order.values()))
    return [ofkind[row % len(ofkind)] for row in range(rows) for _, ofkind in sorted(order.items())], expected


def _kind(name: str) -> str:
    """Return the name of a file, that of the folder with it if there are others of the same name."""
    path = Path(re.sub(r"(step|deployment|events)[-.].*?(?=\.\w+$|$)", r"\1", name))
    return "/".join(path.parts[-2:]) if path.parent.name in ("bundle", "search", "training") else path.name


def _devices(work: Path) -> None:
    content = yaml.safe_load((resource_folder("hardware_profiles") / "local-cpu.yaml").read_text(encoding="utf-8"))
    (work / "devices").mkdir(parents=True, exist_ok=True)
    (work / f"devices/{DEVICE}.yaml").write_text(yaml.safe_dump({**content, "name": DEVICE}))
    os.environ["DCANAS_DEVICES"] = str(work / "devices")


def _made(work: Path, run: str) -> None:
    """Make a run at the place where cases use it, and keep it."""
    kept, place = work / "runs" / run, work / "case/run"
    if kept.exists():
        return
    if run == "stopped":
        shutil.copytree(work / "runs/finished", kept)
        for path in kept.glob(f"derived/{DEVICE}/*"):
            if path.name not in DERIVED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in (*kept.glob("certificate.*"), kept / "report.html"):
            path.unlink(missing_ok=True)
        shutil.rmtree(kept / "tensorboard", ignore_errors=True)
        return
    shutil.rmtree(place, ignore_errors=True)
    with _short():
        code, _, err = _main("search" if run == "study" else "run", *SETTINGS[run], f"run.dir={place}")
    if code:
        raise UserError(f"The run to be fuzzed could not be made: {err.strip()}")
    if run == "study":
        (place / "search/study.json").unlink()
        with contextlib.closing(sqlite3.connect(place / "search/study.db")) as study:  # as when its process has ended
            study.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for path in (place / "search").glob("study.db-*"):
            path.unlink()
    kept.parent.mkdir(exist_ok=True)
    shutil.copytree(place, kept)


def _copied(work: Path, run: str, older: bool) -> None:
    shutil.rmtree(work / "case", ignore_errors=True)
    shutil.copytree(work / "runs" / run, work / "case/run")
    if older:
        (work / "case/run/manifest.json").unlink()


def _called(work: Path, run: str, command: str) -> tuple[int, str, str]:
    """Call a command on the run of the case; return exit code, output, errors."""
    place, other = work / "case/run", work / "case/other"
    with _short():
        if command == "load":
            return _loaded(place)
        if command == "verify":
            return _main("verify", str(place))
        if command in ("run", "train", "search"):
            return _main(command, *SETTINGS[run], f"run.dir={place}")
        further = {"derive": (f"run.dir={other}",), "deploy": ("deploy.seconds=0.1",)}.get(command, ())
        return _main(command, f"source={place}", *further, "run.progress=plain")


def _main(*words: str) -> tuple[int, str, str]:
    from dcanas.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return code, out.getvalue(), err.getvalue()


def _loaded(place: Path) -> tuple[int, str, str]:
    import dcanas

    try:
        run = dcanas.load(place)
        shown = [run.certificate.content, run.candidates, run.classes.tolist(), run.bundle.name,
                 hashlib.sha256(run.onnx.read_bytes()).hexdigest(),
                 run.predict(np.zeros((1, 8, 8), np.uint8)).tolist(), sum(p.numel() for p in run.model.parameters())]
    except UserError as error:
        return 2, "", str(error)
    return 0, json.dumps(shown), ""


def _observed(work: Path, run: str, command: str, out: str) -> dict[str, Any]:
    """Return what must be the same whatever was damaged: the files promised, and what the command shows."""
    found: dict[str, Any] = {}
    for folder in (work / "case/run", work / "case/other"):
        for path in sorted(folder.rglob("*")):
            if path.name in PROMISED and ".damaged" not in str(path) and ".earlier" not in str(path):
                found[str(path.relative_to(work))] = _digest(path)
    if command == "report":
        found["page"] = TIMED.sub("", (work / "case/run/report.html").read_text())
    if command in ("load", "verify", "report", "derive", "export"):
        found["shown"] = TIMED.sub("", re.sub(r"Search: done before.*|.*made again.*|(?m:^  .*: \d+ of .*$)", "", out))
    return found


def _digest(path: Path) -> str:
    """Return the hash of a file; of certificates and studies without what is measured when they are written."""
    content = path.read_bytes()
    if path.name in ("certificate.json", "study.json"):
        try:
            held = json.loads(content)
            for name in ("image_ms", "deployments", "command", "versions", "latency"):
                held.pop(name, None)
            held["rows"] = [row for row in held.get("rows", ()) if not row["name"].startswith("latency")]
            for trial in held.get("trials", ()):
                trial.pop("seconds", None)
                trial.pop("worker", None)
        except (ValueError, RecursionError, TypeError, AttributeError, KeyError):  # damaged, and left as it was
            return hashlib.sha256(content).hexdigest()
        content = json.dumps(held).encode()
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def _short() -> Iterator[None]:
    """Measure shortly, and put the numbers of a figure in its place."""
    from matplotlib.figure import Figure

    from dcanas.export import worker
    from dcanas.hardware.measuring import profiler

    bench = worker.Bench

    def opened(files: Any, threads: int, provider: str, seconds: float, *rest: Any, **more: Any) -> Any:
        return bench(files, threads, provider, min(seconds, 0.05), *rest, **more)

    def saved(figure: Figure, target: Any, **options: Any) -> None:
        lines = [line.get_xydata().tolist() for axes in figure.axes for line in axes.lines]
        digest = hashlib.sha256(repr(lines).encode()).hexdigest()
        drawing = f'<?xml version="1.0"?><svg viewBox="0 0 1 1"><desc>{digest}</desc></svg>'
        target.write(drawing if isinstance(target, io.StringIO) else drawing.encode())

    with patch.object(profiler, "EXTENSIONS", 0), patch.object(worker, "Bench", opened), \
            patch.object(Figure, "savefig", saved), warnings.catch_warnings():
        warnings.simplefilter("always")  # each case is a process of its own to its user
        yield


older: Callable[[np.random.Generator, Path, int], Case] = functools.partial(files, older=True)
