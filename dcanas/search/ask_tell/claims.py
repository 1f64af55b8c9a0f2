"""Which worker runs which trial: a row per running trial with a heartbeat, on the database's own clock.

Optuna sends heartbeats and retries only inside `optimize()`; these are their counterparts for ask and tell.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column, Engine, Float, Integer, MetaData, String, Table, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import TextClause

from dcanas.search.ask_tell.storage import exclusive

TABLE = Table("dcanas_claims", MetaData(), Column("study", String(512), primary_key=True),
              Column("trial", Integer, primary_key=True), Column("worker", String(512), nullable=False),
              Column("heartbeat", Float, nullable=False))
NOW = {"sqlite": "(julianday('now') - 2440587.5) * 86400.0",
       "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"}


def worker_name() -> str:
    """Return host, process and thread, which together are unique."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


class Claims:
    """The claims of one study.

    Args:
        grace: seconds without a heartbeat after which a worker counts as lost.
    """

    def __init__(self, engine: Engine, study: str, grace: float = 60.0):
        self.engine, self.study, self.grace = engine, study, grace
        self.turn = exclusive(engine, f"turn {study}")
        with exclusive(engine, "open")():  # of any study: the first one makes the tables of all
            TABLE.metadata.create_all(engine)
        self._own = TABLE.c.study == study
        self._seen: dict[int, tuple[float, float]] = {}  # trial -> heartbeat, and when it was first seen here

    def add(self, trial: int, worker: str) -> None:
        """Record that a worker runs a trial."""
        with self.engine.begin() as connection:
            connection.execute(insert(TABLE).values(study=self.study, trial=trial, worker=worker,
                                                    heartbeat=self._now()))

    def remove(self, trial: int, worker: str) -> bool:
        """Remove a worker's claim; return whether it still held it."""
        with self.engine.begin() as connection:
            return connection.execute(delete(TABLE).where(
                self._own, TABLE.c.trial == trial, TABLE.c.worker == worker)).rowcount == 1

    def drop(self, trial: int) -> None:
        """Remove the claim of any worker on a trial."""
        with self.engine.begin() as connection:
            connection.execute(delete(TABLE).where(self._own, TABLE.c.trial == trial))

    def beat(self, trial: int, worker: str) -> None:
        """Send a heartbeat of a running trial."""
        with self.engine.begin() as connection:
            connection.execute(update(TABLE).where(
                self._own, TABLE.c.trial == trial, TABLE.c.worker == worker).values(heartbeat=self._now()))

    def alive(self, back: float = float("-inf")) -> set[int]:
        """Return the trials whose worker had a heartbeat lately and, if it is on this machine, still runs.

        A worker on another machine is given up only after its heart was seen to stand still while the database could be
        reached from here: what it missed while the database was away does not count.

        Args:
            back: when the database was last back after it had been away, by the monotonic clock here.
        """
        with self.engine.begin() as connection:
            now = float(connection.execute(select(self._now())).scalar_one())
            rows = connection.execute(select(TABLE.c.trial, TABLE.c.worker, TABLE.c.heartbeat).where(self._own)).all()
        here, before = time.monotonic(), self._seen
        self._seen = {trial: before[trial] if before.get(trial, (0.0, 0.0))[0] == heartbeat else (heartbeat, here)
                      for trial, _, heartbeat in rows}
        still = {trial: here - max(since, back) for trial, (_, since) in self._seen.items()}
        return {trial for trial, worker, heartbeat in rows
                if _may_run(worker) and (now - heartbeat <= self.grace or still[trial] <= self.grace / 2)}

    def claimed(self) -> set[int]:
        """Return the trials that some worker took."""
        with self.engine.begin() as connection:
            return set(connection.execute(select(TABLE.c.trial).where(self._own)).scalars())

    def of(self, worker: str) -> set[int]:
        """Return the trials that a worker took."""
        with self.engine.begin() as connection:
            return set(connection.execute(select(TABLE.c.trial).where(self._own, TABLE.c.worker == worker)).scalars())

    @contextmanager
    def beating(self, trial: int, worker: str) -> Iterator[None]:
        """Send heartbeats in the background; after an error of the database the next one is sent as usual."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.grace / 4):
                try:
                    self.beat(trial, worker)
                except SQLAlchemyError:
                    continue

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _now(self) -> TextClause:
        return text(NOW[self.engine.dialect.name])


def _may_run(worker: str) -> bool:
    """Return whether a worker may still run; a process of this machine that has ended does not."""
    host, process, _ = worker.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
