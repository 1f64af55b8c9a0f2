"""Scalars of a run, once as lines of JSON and once for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dcanas.basics.files import write_bytes


class MetricsLog:
    """Appends rows to `metrics.jsonl` and TensorBoard events; a row that exists already is not written again.

    A resumed run repeats the steps after its last checkpoint with the same numbers, so known steps are skipped. A
    truncated line is removed when the log is opened, with everything after it.

    Args:
        folder: the run directory.
    """

    def __init__(self, folder: Path):
        self._path = folder / "metrics.jsonl"
        self._events = folder / "tensorboard"
        self._writer: Any = None
        self._last: dict[str, int] = {}
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = 0
        for line in content.splitlines(keepends=True):
            try:
                row = json.loads(line) if line.endswith(b"\n") else {}
                self._last[row["stage"]] = max(row["step"], self._last.get(row["stage"], -1))
            except (ValueError, KeyError, TypeError):
                break
            whole += len(line)
        if whole < len(content):
            write_bytes(self._path, content[:whole])

    def write(self, stage: str, step: int, scalars: dict[str, Any]) -> None:
        """Record scalars of a stage ("search", "train/local-cpu") at a step, unless the step was recorded before."""
        if step <= self._last.get(stage, -1):
            return
        self._last[stage] = step
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "step": step, **scalars}) + "\n")
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # takes a second to import

            self._writer = SummaryWriter(str(self._events))
        for name, value in scalars.items():
            if isinstance(value, (int, float)) and name not in ("step", "epoch"):
                self._writer.add_scalar(f"{stage}/{name}", value, step)
        self._writer.flush()  # so that a killed run shows every row of the file

    def close(self) -> None:
        """Close the TensorBoard file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
