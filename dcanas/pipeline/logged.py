"""Hooks that keep what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.basics.hooks import Hooks
from dcanas.report.metrics import MetricsLog


class Logged(Hooks):
    """Hooks that also write every line of the history to the run's scalars."""

    def __init__(self, shown: Hooks, log: MetricsLog, name: str):
        self._shown, self._log, self._name = shown, log, name
        self.message, self.table = shown.message, shown.table  # type: ignore[method-assign]
        self.progress, self.should_stop = shown.progress, shown.should_stop  # type: ignore[method-assign]

    @property
    def details(self) -> Hooks:
        return self._shown.details

    def epoch(self, step: int, row: Mapping[str, Any]) -> None:
        self._log.write(self._name, step, dict(row))
        self._shown.epoch(step, row)
