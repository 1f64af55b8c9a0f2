"""A study on SQLite: its trials, its failures, its interruptions, its neighbours."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from grid_space import GRID, SIZE, VALUE, candidates, worth
from optuna.trial import TrialState
from recording import Recording, StopWhen

from dcanas.basics.errors import Stopped, UserError
from dcanas.benchmarks.simulate import simulate
from dcanas.search.ask_tell.claims import Claims, worker_name
from dcanas.search.ask_tell.objectives import look_up
from dcanas.search.ask_tell.patience import Patience
from dcanas.search.ask_tell.storage import open_engine, open_study, sqlite_url
from dcanas.search.ask_tell.study_settings import SamplerSettings
from dcanas.search.ask_tell.untold import Untold
from dcanas.search.ask_tell.worker import NSGA2, Worker, excess_over, summary


class Grid:
    """The table, with mishaps: `kill` dies, `wait` waits for two deaths, `nan` is no number, `fail` raises."""

    def __init__(self, mishaps=None, seconds=0.0, deaths=None):
        self.mishaps, self.seconds, self.deaths, self.asked = mishaps or {}, seconds, deaths, []

    def __call__(self, arch, hooks):
        time.sleep(self.seconds)
        self.asked.append(arch)
        mishap = self.mishaps.get(len(self.asked))
        if mishap == "fail":
            raise RuntimeError("out of memory")
        if mishap == "stop":
            raise Stopped("stopped")
        if mishap == "wait":
            assert self.deaths.acquire(timeout=60)
            assert self.deaths.acquire(timeout=60)
        if mishap == "kill":
            if self.deaths is not None:
                self.deaths.release()
            os.kill(os.getpid(), signal.SIGKILL)
        return float("nan") if mishap == "nan" else worth(arch), {}


def worker(url, objective, sampler="random", evaluations=12, directions=("maximize",), study="grid", folder=None,
           **more):
    engine = open_engine(url)
    settings = SamplerSettings(sampler, (), evaluations)
    opened = open_study(engine, study, {"sampler": sampler, "evaluations": evaluations}, list(directions))
    untold = Untold(folder or Path(url.removeprefix("sqlite:///")).parent / "untold", study)
    return Worker(opened, Claims(engine, study), candidates(settings), objective, 0, name=worker_name(), untold=untold,
                  **more)


@pytest.fixture
def url(tmp_path):
    return sqlite_url(tmp_path / "study.db")


def test_is_the_simulation(url):
    at_work = worker(url, look_up(GRID, VALUE, "the grid"))
    at_work.run()
    found = summary(at_work.study, at_work.parameters)
    expected = simulate(candidates(SamplerSettings("random", (), 12)), worth, 0)
    assert [row["architecture"] for row in found["trials"]] == [GRID.format(a) for a in expected.architectures]
    assert [row["values"] for row in found["trials"]] == [[v] for v in expected.values]
    assert found["count"] == {"complete": 12}


def test_failures_do_not_end_it(url):
    at_work = worker(url, Grid({3: "nan", 5: "fail"}))
    at_work.run()
    found = summary(at_work.study, at_work.parameters)
    assert found["count"] == {"complete": 10, "fail": 2}
    errors = [row["error"] for row in found["trials"] if "error" in row]
    assert errors == ["the objective returned nan", "RuntimeError: out of memory"]
    assert len({row["architecture"] for row in found["trials"]}) == 12


def test_stopped_on_purpose_goes_on_with_the_same(url):
    first = worker(url, Grid({3: "stop"}))
    with pytest.raises(Stopped):
        first.run()
    second = worker(url, Grid())
    second.run()
    assert second.objective.asked[0] == first.objective.asked[-1]
    assert summary(second.study, second.parameters)["count"] == {"complete": 12}
    whole = simulate(candidates(SamplerSettings("random", (), 12)), worth, 0)
    assert first.objective.asked[:2] + second.objective.asked == whole.architectures


def _work(url, mishaps, evaluations, deaths=None):
    worker(url, Grid(mishaps, deaths=deaths), evaluations=evaluations).run()


def test_killed_workers_lose_their_trial_only(url):
    """Three workers, two of which die at their second and third trial: 14 results, none double, none lost."""
    context = multiprocessing.get_context("fork")
    deaths = context.Semaphore(0)
    processes = [context.Process(target=_work, args=(url, mishaps, 14, deaths))
                 for mishaps in ({2: "kill"}, {3: "kill"}, {1: "wait"})]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert sorted(p.exitcode for p in processes) == [-9, -9, 0]
    told = worker(url, Grid(), evaluations=14)
    found = summary(told.study, told.parameters)
    assert found["count"] == {"complete": 14}
    assert len({row["architecture"] for row in found["trials"]}) == 14
    lost = [t for t in told.study.get_trials() if t.state == TrialState.FAIL]
    assert len(lost) == 2


def test_what_kills_its_workers_is_given_up(url):
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        process = context.Process(target=_work, args=(url, {1: "kill"}, 4))
        process.start()
        process.join(60)
    at_work = worker(url, Grid(), evaluations=4)
    at_work.run()
    assert summary(at_work.study, at_work.parameters)["count"] == {"fail": 1, "complete": 3}


def test_a_worker_thought_gone_does_not_tell_twice(url):
    slow = worker(url, Grid(), evaluations=4)
    with slow.claims.turn():
        trial, _ = slow._take()
    slow.claims.drop(trial.number)  # as if its heart had stopped
    worker(url, Grid(), evaluations=4).run()
    slow._do(trial)
    assert summary(slow.study, slow.parameters)["count"] == {"complete": 4}


class DiesTelling(Worker):
    """Killed when it would tell its second trial."""

    def _report(self, trial, found):
        if found["record"]["seconds"] >= 0 and len(self.objective.asked) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._report(trial, found)


def _die_telling(url):
    at_work = worker(url, Grid(), evaluations=4)
    at_work.__class__ = DiesTelling
    at_work.run()


def test_what_was_found_is_told_by_whoever_comes_next(url, tmp_path):
    """A worker is killed between its second result and the storage: it is not evaluated again, and costs no attempt."""
    process = multiprocessing.get_context("fork").Process(target=_die_telling, args=(url,))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    assert [path.name for path in (tmp_path / "untold").iterdir()] == ["1.json"]
    second = worker(url, Grid(), evaluations=4)
    second.run()
    whole = simulate(candidates(SamplerSettings("random", (), 4)), worth, 0)
    found = summary(second.study, second.parameters)
    assert found["count"] == {"complete": 4}
    assert [row["values"] for row in found["trials"]] == [[value] for value in whole.values]
    assert second.objective.asked == whole.architectures[2:]
    assert not list((tmp_path / "untold").iterdir())


def test_a_damaged_result_is_named(url, tmp_path):
    (tmp_path / "untold").mkdir()
    (tmp_path / "untold/0.json").write_text("[1]")
    with pytest.raises(UserError, match=r"untold/0\.json is damaged \(no result of a trial\); delete it"):
        worker(url, Grid(), evaluations=4).run()


def test_a_storage_that_is_away_is_asked_again(url):
    """Four errors of a database, then an answer."""
    heard, calls = Recording(), []

    def action():
        calls.append(time.monotonic())
        if len(calls) <= 4:
            raise sqlite3.OperationalError("database is locked")
        return "answer"

    patience = Patience(60.0, heard)
    assert patience(action) == "answer"
    pauses = [b - a for a, b in itertools.pairwise(calls)]
    assert all(pause >= 0.25 * 2 ** i for i, pause in enumerate(pauses))  # a quarter of a second, doubled each time
    assert patience.back > calls[-2]
    assert heard.messages[0] == ("  The storage cannot be reached (database is locked); trying again for up to 60 s "
                                 "(run.storage_patience_s).")
    assert heard.messages[1].startswith("  The storage is back after ")
    with pytest.raises(UserError, match=r"The storage could not be reached for \d+ s \(no such table: t\); start"):
        Patience(0.1)(lambda: sqlite3.connect(":memory:").execute("SELECT * FROM t"))
    with pytest.raises(Stopped, match="while the storage was away"):
        Patience(60.0, StopWhen(lambda: True))(lambda: sqlite3.connect(":memory:").execute("SELECT * FROM t"))


@pytest.mark.slow
def test_a_full_disk_is_told_as_files_tell_it(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", small], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        with pytest.raises(UserError, match=r"Could not write to the storage of the study \(No space left on device\)"):
            worker(sqlite_url(small / "study.db"), Grid(), evaluations=60, folder=tmp_path / "untold").run()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@pytest.mark.parametrize("place", [0, 4096])
def test_a_damaged_database_is_told_at_once(tmp_path, place):
    """Waiting mends no file: a page of zeros, or a file of another kind, is not a storage that is away."""
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(100)])
        database.commit()
    content = path.read_bytes()
    path.write_bytes(content[:place] + b"\1" * 4096 + content[place + 4096:])

    def count():
        with closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT count(x) FROM t WHERE x > ''").fetchone()

    start = time.monotonic()
    with pytest.raises(UserError, match=r"The storage of the study is damaged \("):
        Patience(60.0)(count)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("column", ["distribution_json", "param_value"])
def test_a_study_that_cannot_be_read_any_more_is_damaged(tmp_path, column):
    """A bit of a file turns a letter of what Optuna wrote into another, which SQLite does not notice."""
    path = tmp_path / "study.db"
    worker(sqlite_url(path), Grid(), evaluations=3).run()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE trial_params SET {column} = " + (
            "replace(distribution_json, 'choices', 'choiceS')" if column == "distribution_json" else "1e9"))
        database.commit()
    with pytest.raises(UserError, match=r"The storage of the study is damaged \(Optuna cannot read it: "):
        worker(sqlite_url(path), Grid(), evaluations=3).run()


def test_hearts_stand_still_only_where_they_could_be_seen(url, monkeypatch):
    """A worker of another machine whose last beat is old: it is lost after half the grace of watching, not at once."""
    claims = Claims(open_engine(url), "grid", grace=0.8)
    claims.add(7, "elsewhere:1:1")
    time.sleep(1.0)
    assert claims.alive() == {7}  # old, but seen for the first time
    time.sleep(0.5)
    assert claims.alive(time.monotonic()) == {7}  # the database was away meanwhile
    assert claims.alive() == set()
    claims.beat(7, "elsewhere:1:1")
    assert claims.alive() == {7}
    assert (claims.of("elsewhere:1:1"), claims.of("me"), claims.claimed()) == ({7}, set(), {7})


def test_costs_become_constraints(url):
    at_work = worker(url, Grid(), evaluations=4, costs=(SIZE,), limits={"params": 6.0})
    at_work.run()
    for trial in at_work.study.get_trials():
        size = trial.user_attrs["costs"]["params"]
        assert trial.constraints["params"] == pytest.approx(size / 6 - 1)


def test_excess():
    """60 of 50 is a fifth too much; 40 where at least 50 is asked lacks a fifth."""
    assert excess_over("latency_ms", 60.0, 50.0) == pytest.approx(0.2)
    assert excess_over("latency_ms", 40.0, 50.0) == pytest.approx(-0.2)
    assert excess_over("fps_min", 40.0, 50.0) == pytest.approx(0.2)
    assert excess_over("fps_min", 60.0, 50.0) == pytest.approx(-0.2)


def test_every_trial_is_reported_and_a_stop_comes_between_two(url):
    heard = Recording(stop_at=3)
    with pytest.raises(Stopped, match="between two trials"):
        worker(url, Grid({2: "fail"}), evaluations=4, hooks=heard).run()
    assert heard.steps == [1, 2, 3]
    assert heard.notes[1] == "RuntimeError: out of memory"
    rows = dict(heard.rows)
    assert heard.notes[0] == f"last {rows[1]['value']:.2f}"
    assert "value" not in rows[2]
    rest = Recording()
    worker(url, Grid(), evaluations=4, hooks=rest).run()
    assert rest.steps == [4]


def test_fronts_by_nsga2(url):
    at_work = worker(url, Grid(), NSGA2, 12, ("maximize", "minimize"), costs=(SIZE,), objectives=("params",))
    at_work.run()
    found = summary(at_work.study, at_work.parameters)
    assert found["count"] == {"complete": 12}
    assert all(row["values"][1] == row["costs"]["params"] for row in found["trials"])
    assert at_work.study.best_trials


def test_other_settings_are_named(url):
    worker(url, Grid())
    with pytest.raises(UserError, match=r"has other settings \(evaluations: 12 there, 13 asked\)"):
        worker(url, Grid(), evaluations=13)


@pytest.mark.parametrize(("address", "sentence"), [
    ("sqlite:////nowhere/at/all/study.db", "cannot be reached"),
    ("postgresql://me:secret@127.0.0.1:9/study", "cannot be reached"),
    ("mysql://me@host/study", "must be sqlite:///FILE or postgresql://"),
    ("study.db", "is not an address"),
])
def test_unreachable(address, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        open_engine(address)
    assert "secret" not in str(error.value)
