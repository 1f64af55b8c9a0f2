"""Tasks on processes: equal to a serial run, whatever ends in between."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from meets import Meets

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.fan_out.engine import Engine
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.hooks import Hooks

ITEMS = {f"task {i}": i for i in range(12)}


class Heard(Hooks):
    def __init__(self, stop_after: float = float("inf")):
        self.messages: list[str] = []
        self.reports: list[tuple[float, float]] = []
        self.stop_at = time.monotonic() + stop_after

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, done: float, total: float, note: str = "") -> None:
        self.reports.append((done, total))

    def should_stop(self) -> bool:
        return time.monotonic() > self.stop_at


class Summed:
    """The sum of a matrix by torch, the number of threads, and a message; the array is sent once."""

    def __init__(self) -> None:
        self.array = np.random.default_rng(0).normal(size=(200, 3000)).astype(np.float32)

    def __call__(self, item: int, hooks: Hooks, device: str) -> dict[str, float]:
        hooks.message(f"hello from {item}")
        matrix = torch.from_numpy(self.array)
        return {"sum": float((matrix @ matrix.T).sum() * item), "threads": torch.get_num_threads()}


def of(engine: Engine, work: object, folder: Path, hooks: Hooks | None = None, items: dict = ITEMS) -> dict:  # type: ignore[type-arg]
    return dict(fan_out(engine, work, items, folder, hooks or Heard(), "sums"))  # type: ignore[arg-type]


def test_processes_return_what_one_process_does(tmp_path: Path) -> None:
    work, heard = Summed(), Heard()
    before = torch.get_num_threads()
    alone = of(Engine(workers=1), work, tmp_path)
    assert torch.get_num_threads() == before
    assert of(Engine(workers=2), work, tmp_path, heard) == alone
    assert {row["threads"] for row in alone.values()} == {1}
    assert sorted(heard.messages) == sorted(f"hello from {i}" for i in range(12))
    assert heard.reports == [(i, 12) for i in range(1, 13)]
    assert list(tmp_path.iterdir()) == []  # nothing is left of the engine's own files


class EndsOnce:
    """Ends its process at the first call for every third item."""

    def __init__(self, marks: Path):
        self.marks = marks

    def __call__(self, item: int, hooks: Hooks, device: str) -> int:
        mark = self.marks / str(item)
        if item % 3 == 0 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item * item


@pytest.mark.slow
def test_what_a_killed_process_had_begun_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    heard = Heard()
    assert of(Engine(workers=2), EndsOnce(tmp_path / "marks"), tmp_path / "engine", heard) == {
        name: item * item for name, item in ITEMS.items()}
    assert any("begun again" in text for text in heard.messages)


class AlwaysEnds:
    def __init__(self, counts: Path):
        self.counts = counts

    def __call__(self, item: int, hooks: Hooks, device: str) -> int:
        with (self.counts / str(item)).open("a") as file:
            file.write(".")
        if item == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        return item


@pytest.mark.slow
def test_a_task_that_ends_its_process_three_times_fails_alone(tmp_path: Path) -> None:
    found: dict[str, object] = {}
    with pytest.raises(UserError, match=r"task 5: the process that works on it has ended 3 times.*run\.workers"):
        found.update(fan_out(Engine(workers=2), AlwaysEnds(tmp_path), ITEMS, tmp_path / "engine", Heard(), "sums"))
    assert found == {name: item for name, item in ITEMS.items() if item != 5}
    assert len((tmp_path / "5").read_text()) == 3


class Refuses:
    def __call__(self, item: int, hooks: Hooks, device: str) -> int:
        if item == 2:
            raise UserError("item 2 cannot be used.")
        return item


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_is_the_users_sentence(tmp_path: Path, workers: int) -> None:
    with pytest.raises(UserError, match=r"^item 2 cannot be used\.$"):
        of(Engine(workers=workers), Refuses(), tmp_path)


class Waits:
    def __call__(self, item: int, hooks: Hooks, device: str) -> int:
        for _ in range(2000):
            if hooks.should_stop():
                raise Stopped("stopped at its first step")
            time.sleep(0.01)
        return item


@pytest.mark.slow
def test_a_request_to_stop_reaches_the_workers(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(Stopped):
        of(Engine(workers=2), Waits(), tmp_path, Heard(stop_after=0.5))
    assert time.monotonic() - started < 15  # a task takes 20 s
    assert list(tmp_path.iterdir()) == []


class SeesOneGpu:
    """Says which device it was given, after having been there a while."""

    def __call__(self, item: int, hooks: Hooks, device: str) -> list[object]:
        start = time.time()
        time.sleep(0.1)
        return [device, start, time.time()]


@pytest.mark.slow
def test_no_two_tasks_have_a_gpu_at_the_same_time(tmp_path: Path) -> None:
    found = of(Engine(workers=4, gpus=2), SeesOneGpu(), tmp_path)
    by_gpu: dict[str, list[tuple[float, float]]] = {}
    for device, start, end in found.values():
        by_gpu.setdefault(device, []).append((start, end))
    assert set(by_gpu) <= {"cuda:0", "cuda:1"}
    for spans in by_gpu.values():
        spans.sort()
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.slow
@pytest.mark.parametrize("gpus", [2, pytest.param(8, marks=pytest.mark.thorough)])
def test_as_many_tasks_run_at_once_as_there_are_gpus_each_on_its_own(tmp_path: Path, gpus: int) -> None:
    found = of(Engine(gpus=gpus), Meets(tmp_path, gpus), tmp_path / "engine", items={str(i): i for i in range(gpus)})
    assert sorted(device for device, _ in found.values()) == [f"cuda:{number}" for number in range(gpus)]


@pytest.mark.parametrize(("name", "message"), [
    ("cluster", r"local or dask:tls://HOST:PORT.*'cluster'"),
    ("dask:tls://node", "local or dask:tls://HOST:PORT"),
    ("dask:tcp://node:99999999", "local or dask:tls://HOST:PORT"),
    ("dask:http://node:8786", "local or dask:tls://HOST:PORT"),
    ("dask:tcp://node:8786", r"has no TLS.*run\.trust_network=true"),
    ("dask:tcp://192.168.1.2:8786", "has no TLS"),
])
def test_addresses(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Engine(name)


def test_addresses_that_are_allowed() -> None:
    assert Engine().address is None
    assert Engine("dask:tls://node:8786").address == "tls://node:8786"
    assert Engine("dask:tcp://127.0.0.1:8786").address == "tcp://127.0.0.1:8786"
    assert Engine("dask:tcp://node:8786", trust_network=True).address == "tcp://node:8786"
