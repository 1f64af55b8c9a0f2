"""Stopped, killed or out of room: the same command goes on to the same result."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from dcanas.basics.checkpoints import load_checkpoint

RESULTS = ("train.json", "weights.pt", "model.onnx", "export.json", "profile.json", "certificate.json",
           "certificate.md")


def assert_same(run: Path, reference: Path) -> None:
    """Scores and architecture are equal as text, weights as bits, every tensor and the whole file."""
    for name in ("search/scores.json", "derived/local-cpu/architecture.json"):
        assert (run / name).read_text() == (reference / name).read_text(), name
    files = [folder / "derived/local-cpu/weights.pt" for folder in (run, reference)]
    mine, theirs = (torch.load(file, weights_only=True) for file in files)
    assert list(mine) == list(theirs)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert files[0].read_bytes() == files[1].read_bytes()


def until(process, marker: str) -> None:
    """Wait until the process prints `marker`, and let somebody read what follows."""
    for line in process.stdout:
        if marker in line:
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()


def without_training(finished: Path, folder: Path) -> Path:
    """Make `folder` a copy of the finished run that has derived but not trained."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(finished, folder)
    for name in RESULTS:
        (folder / "derived/local-cpu" / name).unlink()
    shutil.rmtree(folder / "derived/local-cpu/bundle")
    shutil.rmtree(folder / "derived/local-cpu/training")
    return folder


@pytest.fixture
def derived(finished, tmp_path) -> Path:
    return without_training(finished, tmp_path / "run")


def stopped_in_training(begin, stop, finished: Path, folder: Path):
    """Return a process that was stopped in training, and what `stop` returned.

    A fast machine may be done before the signal comes: then the same again, from the copy that has not trained.
    """
    for _ in range(10):
        without_training(finished, folder)
        process = begin()
        until(process, "Train for")
        returned = stop(process)
        process.wait()
        if not (folder / "derived/local-cpu/train.json").exists():
            return process, returned
    raise AssertionError("The training was done before the signal came, ten times.")


@pytest.mark.slow
def test_killed_at_random_moments(start, tiny, finished, tmp_path):
    folder = tmp_path / "run"
    command = ("train", "--verbose", *tiny, f"run.dir={folder}")
    scores, trained = folder / "search/scores.json", folder / "derived/local-cpu/train.json"
    rng = random.Random(0)

    def killed(marker: str, result: Path, longest_s: float) -> bool:
        process = start(*command)
        until(process, marker)
        time.sleep(rng.uniform(0, longest_s))
        process.kill()
        process.wait()
        return not result.exists()

    for attempt in range(8):  # a fast machine may be done before the kill: then from nothing again, and sooner
        shutil.rmtree(folder, ignore_errors=True)
        longest_s = 1.2 / 2**attempt
        searching = [killed(marker, scores, longest_s) for marker in ("Search ...", "Search")]
        training = [killed("Train for", trained, longest_s) for _ in range(2)]
        if any(searching) and any(training):
            break
    else:
        raise AssertionError("Search or training was done before the kill, eight times.")
    process = start(*command)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert_same(folder, finished)
    stages = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [(row["stage"], row["step"]) for row in stages] == [
        ("search", 9), ("search", 18), ("train/local-cpu", 23), ("train/local-cpu", 46)]


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(start, dcanas, tiny, finished, tmp_path):
    derived = tmp_path / "run"
    command = ("train", "--verbose", *tiny, f"run.dir={derived}")

    def stop(process):
        process.send_signal(signal.SIGINT)

    process, _ = stopped_in_training(lambda: start(*command), stop, finished, derived)
    assert process.returncode == 130
    err = process.stderr.read()
    assert "Traceback" not in err
    assert f"dcanas train --verbose {' '.join(tiny)} run.dir={derived}` goes on from there." in err
    assert dcanas(*command).code == 0
    assert_same(derived, finished)


@pytest.mark.slow
def test_sigterm_stops_and_nohup_holds_while_a_second_writer_is_refused(start, dcanas, tiny, finished, tmp_path):
    derived = tmp_path / "run"
    command = ("train", "--verbose", *tiny, f"run.dir={derived}")

    def begin():
        return start(*command, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))

    def stop(process):
        process.send_signal(signal.SIGHUP)  # as nohup has it: ignored
        answer = dcanas(*command)
        process.send_signal(signal.SIGTERM)
        return answer

    process, answer = stopped_in_training(begin, stop, finished, derived)
    assert answer.code == 2
    assert answer.err.startswith(f"dcanas: Another process writes to {derived} (process {process.pid} on ")
    assert process.returncode == 130
    err = process.stderr.read()
    assert "Traceback" not in err
    assert "goes on from there." in err
    assert dcanas(*command).code == 0
    assert_same(derived, finished)


def test_truncated_checkpoint(dcanas, tiny, finished, derived):
    (derived / "search/scores.json").unlink()
    newest = max((derived / "search").glob("step-*.pt"))
    newest.write_bytes(newest.read_bytes()[:-100])
    answer = dcanas("search", *tiny, f"run.dir={derived}")
    assert answer.code == 0
    assert answer.err == (f"dcanas: Checkpoint {newest} is damaged (truncated or changed); "
                          "going back to the one before it.\n")
    assert (derived / "search/scores.json").read_text() == (finished / "search/scores.json").read_text()


@pytest.mark.slow
def test_no_room_for_the_second_checkpoint(start, dcanas, tiny, finished, derived):
    """A limit on the size of files stands for the full disk: writing fails in the same place with an OSError, too."""
    training = derived / "derived/local-cpu/training"
    training.mkdir()
    first = min((finished / "derived/local-cpu/training").glob("step-*.pt"))
    shutil.copy(first, training)
    command = ("train", "--verbose", *tiny, f"run.dir={derived}")
    process = start(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000)))
    _, err = process.communicate()
    assert process.returncode == 2, err
    assert err.count("\n") == 1
    assert "Could not write" in err
    assert "make room" in err
    assert [path.name for path in training.iterdir()] == [first.name]
    assert load_checkpoint(training)[0] == 23
    assert dcanas(*command).code == 0
    assert_same(derived, finished)
