"""Scoring many networks into a table, row by row: constant memory, resumable at any moment, parallel by process.

The file is JSON lines: first what the scores depend on, then one line per network as it is done.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from dcanas.basics.errors import UserError
from dcanas.basics.fan_out.engine import ALONE, Engine
from dcanas.basics.fan_out.fan_out import fan_out
from dcanas.basics.hooks import QUIET, Hooks
from dcanas.basics.keys import derive_seed, plain
from dcanas.basics.machine import keep_freed_memory, return_freed_memory
from dcanas.basics.user_files import files_of
from dcanas.proxies.proxy_name import ProxyName
from dcanas.proxies.proxy_registry import proxies
from dcanas.proxies.score import score_network
from dcanas.spaces import Architecture, Space, load_space

Row = dict[str, Any]


@dataclass(frozen=True)
class Scoring:
    """What a table's scores depend on, besides the networks.

    Attributes:
        space: name of the space.
        names: proxies.
        images: (N, C, H, W) float32 as the networks take them.
        labels: class numbers (N,).
        device: on which the passes run; no score depends on it.
    """

    space: str
    names: tuple[str, ...]
    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    num_classes: int = 10
    seed: int = 0
    skeleton: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    def header(self) -> Row:
        """Return the first line of the table: everything that its scores depend on."""
        batch = hashlib.sha256(np.ascontiguousarray(self.images).tobytes() + self.labels.tobytes()).hexdigest()[:12]
        own = [sha256 for _, _, sha256 in files_of(self._proxies)]
        return {"space": self.space, "names": list(self.names), "num_classes": self.num_classes, "seed": self.seed,
                "skeleton": plain(dict(self.skeleton)), "images": list(self.images.shape), "batch": batch,
                **({"own": own} if own else {})}

    @property
    def _proxies(self) -> list[str]:
        """The modules of the proxies."""
        return sorted({proxies.module_of(ProxyName(name).base) for name in self.names})


def score_many(scoring: Scoring, architectures: Sequence[Architecture], path: Path, engine: Engine = ALONE,
               hooks: Hooks = QUIET) -> int:
    """Score architectures into `path` and return how many were scored now.

    Those that the file already holds are passed over; a line that was cut off is scored again. Rows come in the order
    in which they are done and carry their `position`.

    Raises:
        UserError: the file was made with other settings.
    """
    space = load_space(scoring.space)
    done = {row["position"]: row["architecture"] for row in open_table(path, scoring.header())}

    wanted = {}
    for position, arch in enumerate(architectures):
        if position not in done:
            wanted[str(position)] = (position, arch)
        elif done[position] != space.format(arch):
            raise UserError(f"{path} holds {done[position]} at position {position}, asked for "
                            f"{space.format(arch)}: choose another file for another list of networks.")
    with path.open("a", encoding="utf-8") as file:
        for _, row in fan_out(engine, _Scorer(scoring), wanted, path.parent, hooks, "networks scored",
                              device=scoring.device, done=len(done), total=len(architectures), short=True):
            _write(file, row)
    return len(wanted)


class StoredScorer:
    """Scores architectures one by one into a table, from which it reads those that are there.

    Args:
        path: of the table.
        engine: where those that `prepare` is given are scored.
    """

    def __init__(self, scoring: Scoring, path: Path, engine: Engine = ALONE):
        self._scoring, self._path, self._engine = scoring, path, engine
        self._space = load_space(scoring.space)
        self._known = {row["architecture"]: row for row in open_table(path, scoring.header())}

    def __call__(self, arch: Architecture) -> Row:
        """Return the row of an architecture."""
        text = self._space.format(arch)
        if text not in self._known:
            self._store(score_architecture(self._scoring, self._space, arch, len(self._known)))
        return self._known[text]

    def prepare(self, archs: Sequence[Architecture], hooks: Hooks, total: int) -> None:
        """Score those that are not there yet, several at once; total: of all that will be asked for, for progress."""
        missing = {self._space.format(arch): arch for arch in archs}
        items = {text: (len(self._known) + i, arch) for i, (text, arch) in enumerate(
            (text, arch) for text, arch in missing.items() if text not in self._known)}
        for _, row in fan_out(self._engine, _Scorer(self._scoring), items, self._path.parent, hooks, "networks scored",
                              device=self._scoring.device, done=len(missing) - len(items), total=total, short=True):
            self._store(row)

    def _store(self, row: Row) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            _write(file, row)
        self._known[row["architecture"]] = row


def values_of(row: Row) -> dict[str, float]:
    """Return a row's scores by name, NaN if there is none."""
    return {name: np.nan if value is None else value for name, value in row["scores"].items()}


def _write(file: IO[str], row: Row) -> None:
    file.write(json.dumps(row, allow_nan=False) + "\n")
    file.flush()
    os.fsync(file.fileno())


def open_table(path: Path, header: Row) -> list[Row]:
    """Return the rows of `path`, created with `header` if it does not exist; an incomplete last line is removed.

    Raises:
        UserError: the file was made with other settings.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        return []
    found, rows, whole = read_table(path)
    different = [key for key in header if found.get(key) != header[key]]
    if different:
        raise UserError(f"{path} was made with {different[0]} = {found.get(different[0])}, asked for "
                        f"{header[different[0]]}: choose another file, or delete this one.")
    with path.open("r+b") as file:
        file.truncate(whole)
    return rows


def read_table(path: Path) -> tuple[Row, list[Row], int]:
    """Return (header, rows, bytes of whole lines); raises `UserError` if it is not such a table."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    try:
        lines = [json.loads(line) for line in content[:whole].decode("utf-8").splitlines()]
    except (UnicodeDecodeError, json.JSONDecodeError):
        lines = []
    if not lines or "names" not in lines[0] or any("position" not in row for row in lines[1:]):
        raise UserError(f"{path} is not a table of scores: choose another file, or delete this one.")
    return lines[0], lines[1:], whole


def columns(rows: Sequence[Row], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the values by proxy in order of position, NaN if there is none."""
    ordered = sorted(rows, key=lambda row: row["position"])
    return {name: np.array([values_of(row)[name] for row in ordered]) for name in names}


def score_architecture(scoring: Scoring, space: Space, arch: Architecture, position: int = 0) -> Row:
    """Build one network, score it and return its row."""
    with torch.random.fork_rng([]):
        torch.manual_seed(derive_seed(scoring.seed, "initial weights", arch.to_json()))
        net = space.build(arch, scoring.num_classes, scoring.images.shape[1], **scoring.skeleton)
    net = net.to(scoring.device)
    scores = score_network(net, torch.from_numpy(scoring.images), scoring.labels, scoring.names, scoring.seed)
    del net
    return_freed_memory()
    values = {name: score.to_json() for name, score in scores.items()}
    return {"position": position, "architecture": space.format(arch),
            "scores": {name: value["value"] for name, value in values.items()},
            "status": {name: score.status for name, score in scores.items() if not score.ok},
            "seconds": {name: round(score.seconds, 4) for name, score in scores.items()}}


@dataclass(frozen=True)
class _Scorer:
    """Scores (position, architecture): the work of `fan_out`."""

    scoring: Scoring

    def __call__(self, item: tuple[int, Architecture], hooks: Hooks, device: str) -> Row:
        keep_freed_memory()
        position, arch = item
        return score_architecture(replace(self.scoring, device=device), load_space(self.scoring.space), arch, position)
