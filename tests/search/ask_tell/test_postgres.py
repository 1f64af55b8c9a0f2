"""Many workers on one PostgreSQL, some of them killed at random moments."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest
from grid_space import candidates, worth
from postgres import Server, database
from test_work import Grid, worker

from dcanas.benchmarks.simulate import simulate
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.ask_tell.worker import summary


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from database(tmp_path_factory.mktemp("postgres"))


def _work(url, evaluations, sampler, folder):
    worker(url, Grid(seconds=0.02), sampler, evaluations, folder=folder).run()


def run_killed(url: str, folder: Path, evaluations: int, sampler: str, seed: int,
               pause: tuple[float, float]) -> list[dict]:
    """Return the trials of a study by four workers, three of which are killed at random moments and come again."""
    context = multiprocessing.get_context("spawn")
    rng = np.random.default_rng(seed)

    def begin():
        process = context.Process(target=_work, args=(url, evaluations, sampler, folder))
        process.start()
        return process

    workers = [begin() for _ in range(4)]
    for victim in range(3):
        time.sleep(rng.uniform(*pause))
        workers[victim].kill()
        workers[victim].join()
        workers.append(begin())
    for process in workers[3:]:
        process.join(300)
        assert process.exitcode == 0
    told = worker(url, Grid(), sampler, evaluations, folder=folder)
    return summary(told.study, told.parameters)["trials"]


@pytest.mark.slow
@pytest.mark.thorough
def test_three_of_four_killed(server, tmp_path):
    """200 evaluations: 200 results, none double, none lost; no worse than one worker's by more than chance."""
    rows = run_killed(server, tmp_path, 200, "evolution", 0, (2.0, 4.0))
    assert [row["state"] for row in rows] == ["complete"] * 200
    assert [row["position"] for row in rows] == list(range(200))
    assert len({row["architecture"] for row in rows}) == 200
    best = max(row["values"][0] for row in rows)
    settings = SamplerSettings("evolution", (), 200)
    alone = [simulate(candidates(settings), worth, seed).best[-1] for seed in range(5)]
    assert best >= np.mean(alone) - 2 * np.std(alone, ddof=1) - 1e-9


class Logged(Grid):
    """A table that notes each value that it has found, in a file."""

    def __init__(self, log, seconds):
        super().__init__(seconds=seconds)
        self.log = log

    def __call__(self, arch, hooks):
        found = super().__call__(arch, hooks)
        with self.log.open("a") as file:
            file.write(f"{arch.choices}\n")
        return found


def _train(url, study, folder, seconds, evaluations, ready):
    at_work = worker(url, Logged(folder / "log", seconds), "random", evaluations, study=study, folder=folder / "untold")
    ready.release()
    at_work.run()


def run_away(server: Server, root: Path, studies: int, evaluations: int, seconds: float, kills: int,
             outages: list[float], seed: int) -> dict[str, tuple[list[dict], list[str]]]:
    """Return trials and noted values of studies by four workers each, under kills and outages at random moments."""
    context, rng = multiprocessing.get_context("fork"), np.random.default_rng(seed)
    ready = context.Semaphore(0)
    workers: dict[str, list] = {f"study {i}": [] for i in range(studies)}

    def begin(study):
        folder = root / study
        folder.mkdir(exist_ok=True)
        workers[study].append(context.Process(target=_train, args=(server, study, folder, seconds, evaluations, ready)))
        workers[study][-1].start()

    def all_ready(count):
        for _ in range(count):
            assert ready.acquire(timeout=300)

    for study in workers:
        for _ in range(4):
            begin(study)
    all_ready(4 * studies)
    for outage in outages:
        time.sleep(rng.uniform(1, 3))
        server.stop()
        away = time.monotonic() + outage
        for study in rng.permutation(list(workers))[:kills]:
            time.sleep(rng.uniform(0, 1))
            victim = workers[study].pop(int(rng.integers(len(workers[study]))))
            victim.kill()
            victim.join()
        time.sleep(max(0.0, away - time.monotonic()))
        server.start()
        for study in workers:
            while len(workers[study]) < 4:
                begin(study)
        all_ready(kills)
    found = {}
    for study, processes in workers.items():
        for process in processes:
            process.join(600)
            assert process.exitcode == 0
        told = worker(server, Grid(), "random", evaluations, study=study, folder=root / study / "untold")
        found[study] = (summary(told.study, told.parameters)["trials"], (root / study / "log").read_text().splitlines())
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("studies", "evaluations", "seconds", "kills", "outages"), [
    (1, 16, 0.5, 1, [5.0]),
    pytest.param(8, 40, 2.0, 6, [5.0, 20.0, 60.0], marks=pytest.mark.thorough)])
def test_outages_lose_and_repeat_nothing(server, tmp_path, studies, evaluations, seconds, kills, outages):
    for rows, values in run_away(server, tmp_path, studies, evaluations, seconds, kills, outages, 0).values():
        assert [row["state"] for row in rows] == ["complete"] * evaluations
        assert [row["position"] for row in rows] == list(range(evaluations))
        assert len({row["architecture"] for row in rows}) == evaluations
        assert len(values) == len(set(values)) == evaluations  # no finished evaluation was made again


@pytest.mark.slow
@pytest.mark.thorough
def test_is_the_simulation_here_too(server, tmp_path):
    at_work = worker(server, Grid({2: "fail"}), evaluations=6, study="small", folder=tmp_path)
    at_work.run()
    found = summary(at_work.study, at_work.parameters)
    expected = simulate(candidates(SamplerSettings("random", (), 6)), worth, 0)
    assert [row["architecture"] for row in found["trials"]] == ["".join(map(str, a.choices))
                                                                for a in expected.architectures]
    assert found["count"] == {"complete": 5, "fail": 1}
