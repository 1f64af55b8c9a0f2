"""Storage of studies: Optuna's tables in a SQLite file or a PostgreSQL database, and the lock that workers share."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.study import StudyDirection
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from dcanas.basics.errors import UserError
from dcanas.basics.keys import plain
from dcanas.search.ask_tell.more_trials import asks_for_more
from dcanas.search.ask_tell.patience import full_disk

SETTINGS = "settings"  # the study's attribute
LOCK_SECONDS = 3600.0  # that a worker waits for its turn
_KEPT = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}  # s, s: a lost peer is noticed in 25 s
WAITING: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 60.0},
    "postgresql": {"connect_timeout": 10, **_KEPT, "tcp_user_timeout": 25_000,  # here, and by the server, of us:
                   "options": " ".join(f"-c tcp_{name}={value}" for name, value in _KEPT.items())}}


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite file, whose folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path.absolute()}"


def open_engine(url: str) -> Engine:
    """Return connections to a database.

    Raises:
        UserError: the address is invalid or cannot be reached; the message does not show its password.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise UserError(f"The storage must be sqlite:///FILE or postgresql://USER@HOST/DATABASE, got {parsed!r}.")
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, connect_args=WAITING[parsed.get_backend_name()], pool_pre_ping=True)
        _hasten(engine)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except ArgumentError as error:
        raise UserError(f"The storage {url!r} is not an address; write sqlite:///FILE or postgresql://USER@HOST/DATABASE."
                        ) from error
    except ImportError as error:
        raise UserError("PostgreSQL needs the package psycopg; install dcanas[postgres].") from error
    except SQLAlchemyError as error:
        if full := full_disk(error):
            raise full from error
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise UserError(f"The storage {parsed!r} cannot be reached ({reason}); start it or correct the address."
                        ) from error
    return engine


def _hasten(engine: Engine) -> None:
    """Let SQLite write ahead: a commit does not wait for the disk, and a process that is killed loses nothing."""
    if engine.dialect.name == "sqlite":
        @event.listens_for(engine, "connect")
        def set_up(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")


def open_study(engine: Engine, name: str, settings: Mapping[str, Any], directions: Sequence[str],
               sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    """Return the study of this name, created if it does not exist.

    Args:
        settings: what its trials depend on.
        directions: "maximize" or "minimize" for each objective.

    Raises:
        UserError: the stored study has other settings than fewer trials (the message names them), or was not made by
            dcanas.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = engine.url.render_as_string(hide_password=False)
    stated = json.loads(json.dumps(plain(dict(settings))))
    with exclusive(engine, "open")(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": WAITING[engine.dialect.name],
                                                                 "pool_pre_ping": True})
        _hasten(storage.engine)
        study = optuna.create_study(
            storage=storage, study_name=name, directions=[StudyDirection[d.upper()] for d in directions],
            load_if_exists=True, sampler=sampler or optuna.samplers.RandomSampler())
        there = study.user_attrs.get(SETTINGS)
        if there is None or asks_for_more(there, stated):
            if there is None and study.get_trials(deepcopy=False):
                raise UserError(f"The study {name!r} in {engine.url!r} was not made by dcanas; choose another name.")
            study.set_user_attr(SETTINGS, stated)
        else:
            different = [f"{key}: {there.get(key)} there, {stated.get(key)} asked"
                         for key in dict.fromkeys([*stated, *there]) if there.get(key) != stated.get(key)]
            if different:
                raise UserError(f"The study {name!r} in {engine.url!r} has other settings ({'; '.join(different)}); "
                                "choose another name=, or the same settings.")
    return study


def exclusive(engine: Engine, name: str) -> Callable[[], AbstractContextManager[None]]:
    """Return a lock that one process at a time holds; it is released if the process dies.

    PostgreSQL: an advisory lock of a transaction. SQLite: an exclusive transaction on a file beside the database.
    """
    if engine.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)

        @contextmanager
        def held() -> Iterator[None]:
            with engine.begin() as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
                yield
    else:
        @contextmanager
        def held() -> Iterator[None]:
            lock = sqlite3.connect(f"{engine.url.database}.lock", timeout=LOCK_SECONDS, isolation_level=None)
            try:
                lock.execute("BEGIN EXCLUSIVE")
                yield
            finally:
                lock.close()
    return held
