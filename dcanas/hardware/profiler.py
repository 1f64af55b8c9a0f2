"""The latency of ONNX files, measured with ONNX Runtime on this machine.

Protocol. Each file is opened twice, as two independent sessions (repeats) with the device's threads, one
operator at a time, spinning allowed. Every session warms up until its times stop falling. Then rounds: in
each, every session of every file is visited once, in random order, for a block of runs, so that whatever
the machine does meanwhile hits all alike; the first run of a block, which refills the caches others
emptied, is not counted. A file whose result is noisy is measured on, up to four times as long; no block is
ever left out. The number is the median over the blocks' medians.
"""

from __future__ import annotations

import gc
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
import onnxruntime

from dcanas.basics.errors import UserError
from dcanas.export.runtime import open_session
from dcanas.hardware.conditions import conditions, load_average
from dcanas.hardware.device import Device
from dcanas.hardware.profile import Profile, summarise

REPEATS = 2
BLOCK_S = 0.02
MIN_RUNS, MAX_RUNS = 3, 200  # per block
MIN_ROUNDS = 12  # fewer say nothing about how the machine changes
EXTENSIONS = 3  # further measurements of a noisy file, each as long as the first
WARMUP_BLOCK_S, WARMUP_TOLERANCE = 0.01, 0.02


@dataclass
class _Subject:
    """One file under measurement; `run` holds one function per repeat."""

    label: str
    path: Path
    sha256: str
    input_shape: tuple[int, ...]
    run: list[Callable[[], Any]]
    runs: int = 0
    rounds: int = 0
    warm: list[dict[str, Any]] = field(default_factory=list)
    samples: list[list[list[int]]] = field(default_factory=list)


@overload
def profile_onnx(models: Path | str, device: Device, seconds: float = ..., seed: int = ...) -> Profile: ...
@overload
def profile_onnx(models: Mapping[str, Path | str], device: Device, seconds: float = ...,
                 seed: int = ...) -> dict[str, Profile]: ...


def profile_onnx(models: Path | str | Mapping[str, Path | str], device: Device, seconds: float = 2.5,
                 seed: int = 0) -> Profile | dict[str, Profile]:
    """Measure one file, or several {label: path} side by side under the same circumstances.

    seconds: of counted runs per file (more where a network is so slow that 12 rounds take longer).
    seed: of the input image and the order of visits.
    Raises `UserError` where a file or the device's provider cannot be used, or a run fails: then there is no
    number.
    """
    if not seconds > 0:
        raise UserError(f"The time to measure must be positive seconds, got {seconds}.")
    _require_runtime(device)
    several = isinstance(models, Mapping)
    paths = dict(models) if isinstance(models, Mapping) else {Path(models).name: models}
    rng = np.random.default_rng(seed)
    before = load_average()
    subjects = [_open(label, Path(path), device, rng) for label, path in paths.items()]
    with _no_collector():
        for subject in subjects:
            _prepare(subject, seconds)
        _measure(subjects, rng)
        profiles = {s.label: _result(s, device, seconds, seed, before) for s in subjects}
        for _ in range(EXTENSIONS):
            noisy = [s for s in subjects if profiles[s.label].noisy]
            if not noisy:
                break
            _measure(noisy, rng)
            profiles.update((s.label, _result(s, device, seconds, seed, before)) for s in noisy)
    return profiles if several else next(iter(profiles.values()))


def _require_runtime(device: Device) -> None:
    installed = onnxruntime.__version__
    if _numbers(installed) < _numbers(device.runtime.version or "0"):
        raise UserError(f"Device {device.name} needs ONNX Runtime {device.runtime.version} or newer, "
                        f"installed is {installed}; upgrade onnxruntime.")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def _open(label: str, path: Path, device: Device, rng: np.random.Generator) -> _Subject:
    sessions = [open_session(path, device.threads, device.provider) for _ in range(REPEATS)]
    entry = sessions[0].get_inputs()[0]
    shape = tuple(entry.shape)
    if len(sessions[0].get_inputs()) != 1 or entry.type != "tensor(float)" or \
            not all(isinstance(size, int) for size in shape):
        raise UserError(f"{path} must have one float input of fixed shape, got {entry.type} {list(shape)}; "
                        "export it with a fixed batch of 1.")
    feed = {entry.name: rng.random(shape, dtype=np.float32)}

    def runner(session: onnxruntime.InferenceSession) -> Callable[[], Any]:
        return lambda: session.run(None, feed)

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return _Subject(label, path, digest, shape, [runner(session) for session in sessions])


def _prepare(subject: _Subject, seconds: float) -> None:
    """Warm both sessions up and set how many runs a block and how many rounds a measurement has."""
    try:
        subject.warm = [_warm_up(run, cap_s=max(0.1, seconds / 4)) for run in subject.run]
    except Exception as error:  # the runtime's exceptions share no base class
        raise UserError(f"ONNX Runtime cannot run {subject.path}: {str(error).splitlines()[0]}.") from error
    run_s = sum(w["last_block_ms"] for w in subject.warm) / REPEATS / 1e3
    subject.runs = min(max(round(BLOCK_S / run_s), MIN_RUNS), MAX_RUNS)
    subject.rounds = max(MIN_ROUNDS, round(seconds / (REPEATS * (subject.runs + 1) * run_s)))


def _warm_up(run: Callable[[], Any], cap_s: float) -> dict[str, Any]:
    """Run until two blocks in a row are no faster than the best before them, or time is up."""
    start = time.perf_counter()
    medians: list[float] = []
    runs = 0
    while True:
        times: list[int] = []
        while len(times) < MIN_RUNS or sum(times) < WARMUP_BLOCK_S * 1e9:
            times.append(_time(run))
        runs += len(times)
        medians.append(float(np.median(times)) / 1e6)
        stable = len(medians) >= 4 and min(medians[-2:]) >= min(medians[:-2]) * (1 - WARMUP_TOLERANCE)
        if stable or time.perf_counter() - start > cap_s:
            return {"runs": runs, "stable": stable, "last_block_ms": medians[-1]}


def _measure(subjects: list[_Subject], rng: np.random.Generator) -> None:
    """Append each subject's number of rounds to its samples."""
    for number in range(max(s.rounds for s in subjects)):
        active = [s for s in subjects if number < s.rounds]
        found: dict[tuple[int, int], list[int]] = {}
        visits = [(i, repeat) for i in range(len(active)) for repeat in range(REPEATS)]
        for k in rng.permutation(len(visits)):
            i, repeat = visits[k]
            run = active[i].run[repeat]
            run()
            found[i, repeat] = [_time(run) for _ in range(active[i].runs)]
        for i, subject in enumerate(active):
            subject.samples.append([found[i, repeat] for repeat in range(REPEATS)])


def _time(run: Callable[[], Any]) -> int:
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start


def _result(subject: _Subject, device: Device, seconds: float, seed: int,
            before: list[float] | None) -> Profile:
    circumstances = {
        "onnxruntime": onnxruntime.__version__, "provider": device.provider, "threads": device.threads,
        "inter_op_threads": 1, "spinning": True, "batch": subject.input_shape[0],
        "input_shape": list(subject.input_shape), **conditions(),
        "load_before": before, "load_after": load_average(), "seconds": seconds, "seed": seed,
        "runs_per_block": subject.runs, "rounds": len(subject.samples),
        "extended": len(subject.samples) > subject.rounds, "warm_up": subject.warm,
    }
    return summarise(np.array(subject.samples, dtype=np.int64), subject.label, subject.sha256, device.name,
                     circumstances)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Python's garbage collector does not run in between: it is no part of the network."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
