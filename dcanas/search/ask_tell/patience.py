"""A storage that goes away: what was asked of it is asked again, with growing pauses, until it is back."""

from __future__ import annotations

import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from dcanas.basics.errors import Stopped, UserError
from dcanas.basics.hooks import QUIET, Hooks

T = TypeVar("T")
FAULTS = (SQLAlchemyError, StorageInternalError, sqlite3.Error)  # of databases and of Optuna's layer above them
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
FULL_SQLITE, FULL_POSTGRESQL = sqlite3.SQLITE_FULL, "53100"
DAMAGED_SQLITE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass
class Patience:
    """How long a storage may be away.

    Attributes:
        seconds: after which it is given up.
        hooks: are told when it goes away and when it is back, and asked whether to stop.
        back: when it was last back after it had been away, by the monotonic clock.
    """

    seconds: float = 600.0
    hooks: Hooks = QUIET
    back: float = float("-inf")

    def __call__(self, action: Callable[[], T]) -> T:
        """Return what an action returns that may be done again from its start.

        Raises:
            UserError: the disk is full, the file is damaged, or the storage was away for too long.
            Stopped: the user asked to stop meanwhile.
        """
        begin, pause_s, away = time.monotonic(), FIRST_PAUSE_S, False
        while True:
            try:
                found = action()
            except Exception as error:
                now = time.monotonic()
                if known := full_disk(error) or damaged(error):
                    raise known from error
                if not isinstance(error, FAULTS):
                    raise
                if now - begin > self.seconds:
                    raise UserError(f"The storage could not be reached for {now - begin:.0f} s ({_reason(error)}); "
                                    "start it and run the same command again: results of finished trials are kept."
                                    ) from error
                if not away:
                    self.hooks.message(f"  The storage cannot be reached ({_reason(error)}); trying again for up to "
                                       f"{self.seconds:.0f} s (run.storage_patience_s).")
                away = True
                if self.hooks.should_stop():
                    raise Stopped("stopped while the storage was away") from error
                time.sleep(min(pause_s, self.seconds))
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            if away:
                self.back = time.monotonic()
                self.hooks.message(f"  The storage is back after {self.back - begin:.0f} s.")
            return found


def full_disk(error: BaseException) -> UserError | None:
    """Return what to tell the user if an error of a database is that its disk is full, else None."""
    for cause in _causes(error):
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF == FULL_SQLITE or \
                getattr(cause, "sqlstate", None) == FULL_POSTGRESQL:
            return UserError("Could not write to the storage of the study (No space left on device); what was there "
                             "before is untouched: make room or choose another place, then run the same command again.")
    return None


def damaged(error: BaseException) -> UserError | None:
    """Return what to tell the user if an error is that a storage is damaged, which no waiting mends: SQLite says so, or
    Optuna cannot read what stands there."""
    reason = next((str(cause) for cause in _causes(error)
                   if getattr(cause, "sqlite_errorcode", 0) & 0xFF in DAMAGED_SQLITE), None)
    if not isinstance(error, (*FAULTS, UserError, Stopped)) and _while_reading(error):
        reason = f"Optuna cannot read it: {type(error).__name__} {error}"
    return None if reason is None else UserError(
        f"The storage of the study is damaged ({reason}); move its file away and run the same command again, which "
        "makes its trials anew, or restore it.")


def _while_reading(error: BaseException) -> bool:
    """Return whether an error was raised inside Optuna's storages, which read back what they wrote."""
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(name.startswith("optuna.storages") for name in frames)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(original := getattr(error, "orig", None), BaseException):
            yield original
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    """Return the database's own first line."""
    *_, last = [cause for cause in _causes(error) if isinstance(cause, Exception)]
    known = next((cause for cause in _causes(error) if getattr(cause, "orig", None) is not None), None)
    text = str(known.orig if known is not None else last)  # type: ignore[attr-defined]
    return (text.strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
