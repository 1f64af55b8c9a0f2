"""Many workers on one PostgreSQL, some of them killed at random moments."""

from __future__ import annotations

import multiprocessing
import time

import numpy as np
import pytest
from grid_space import candidates, worth
from postgres import database
from test_work import Grid, worker

from dcanas.benchmarks.simulate import simulate
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.ask_tell.worker import summary


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from database(tmp_path_factory.mktemp("postgres"))


def _work(url, evaluations, sampler):
    worker(url, Grid(seconds=0.02), sampler, evaluations).run()


def run_killed(url: str, evaluations: int, sampler: str, seed: int, pause: tuple[float, float]) -> list[dict]:
    """Return the trials of a study by four workers, three of which are killed at random moments and come again."""
    context = multiprocessing.get_context("spawn")
    rng = np.random.default_rng(seed)

    def begin():
        process = context.Process(target=_work, args=(url, evaluations, sampler))
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
    told = worker(url, Grid(), sampler, evaluations)
    return summary(told.study, told.parameters)["trials"]


@pytest.mark.slow
@pytest.mark.thorough
def test_three_of_four_killed(server):
    """200 evaluations: 200 results, none double, none lost; no worse than one worker's by more than chance."""
    rows = run_killed(server, 200, "evolution", 0, (2.0, 4.0))
    assert [row["state"] for row in rows] == ["complete"] * 200
    assert [row["position"] for row in rows] == list(range(200))
    assert len({row["architecture"] for row in rows}) == 200
    best = max(row["values"][0] for row in rows)
    settings = SamplerSettings("evolution", (), 200, initial=4)
    alone = [simulate(candidates(settings), worth, seed).best[-1] for seed in range(5)]
    assert best >= np.mean(alone) - 2 * np.std(alone, ddof=1) - 1e-9


@pytest.mark.slow
@pytest.mark.thorough
def test_is_the_simulation_here_too(server):
    at_work = worker(server, Grid({2: "fail"}), evaluations=6, study="small")
    at_work.run()
    found = summary(at_work.study, at_work.parameters)
    expected = simulate(candidates(SamplerSettings("random", (), 6, initial=4)), worth, 0)
    assert [row["architecture"] for row in found["trials"]] == ["".join(map(str, a.choices))
                                                                for a in expected.architectures]
    assert found["count"] == {"complete": 5, "fail": 1}
