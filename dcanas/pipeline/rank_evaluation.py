"""`dcanas score against=...`: how well scores rank networks by published accuracy, latency or robustness."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.hardware.latency.device_table import published_latency
from dcanas.hardware.latency.table_files import tables_folder
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.context import Context
from dcanas.proxies.columns import read_columns
from dcanas.proxies.judging import Judgement, judge, partial_spearman
from dcanas.proxies.votes import VOTES, oriented, vote
from dcanas.spaces import Architecture

TABLES = {"accuracy": "nasbench201_accuracy.csv.gz", "robustness": "nasbench201_robustness_cifar10.csv.gz"}
KINDS = (*TABLES, "latency")
FEWEST = 5  # networks that can be judged


@dataclass(frozen=True)
class Reference:
    """What is to be ranked: a number per architecture, larger first."""

    name: str
    title: str
    values: Mapping[Architecture, float] = field(repr=False)


@dataclass(frozen=True)
class RankedScore:
    """One score's judgement; `given_params`: the rank correlation left when parameters are given."""

    score: str
    judgement: Judgement
    given_params: float
    failed: int


def read_reference(run: Context, options: ScoreOptions) -> Reference:
    """Return what the scores are judged by; raises `UserError` if no table has it for this space."""
    against, space = str(options.against), run.space
    if Path(against).suffix in (".csv", ".gz"):
        columns = read_columns(Path(against).expanduser(), space)
        column = options.column or (next(iter(columns)) if len(columns) == 1 else None)
        if column is None:
            raise UserError(f"{against} has several columns; choose one by column=NAME: {', '.join(columns)}.")
        return Reference(column, f"{column} of {against}", _chosen(columns, column, against))
    if against not in KINDS:
        raise unknown("target (or CSV file)", against, KINDS)
    if space.name != "nasbench201":
        raise UserError(f"The published tables are of nasbench201, not {space.name}; give a table of your own, "
                        "against=FILE.csv with columns architecture and a number.")
    if against == "latency":
        (device, *others) = run.devices
        latency = None if others else published_latency(space, device)
        if latency is None:
            raise UserError("against=latency needs one device with a published table, device=NAME "
                            "(`dcanas list devices`).")
        every = {arch: latency.value(arch) for arch in space.enumerate()}
        return Reference("latency", f"latency on {device.name} in ms (the slowest first)", every)
    path = tables_folder() / TABLES[against]
    usual = {"accuracy": "cifar100_test" if run.dataset.name == "cifar100" else "cifar10_test",
             "robustness": "pgd_eps1.0"}[against]
    column = options.column or usual
    return Reference(against, f"{column} of {path.name}, %", _chosen(read_columns(path, space), column, path.name))


def _chosen(columns: Mapping[str, dict[Architecture, float]], name: str, where: str) -> dict[Architecture, float]:
    if name not in columns:
        raise unknown(f"column of {where}", name, columns)
    return columns[name]


def rank_scores(reference: Reference, scores: Mapping[str, np.ndarray], costs: Mapping[str, np.ndarray],
                values: np.ndarray, k: int, seed: int) -> list[RankedScore]:
    """Return judgements of scores, of the votes they make up and of the costs, best Spearman first."""
    if len(values) < max(k, FEWEST):
        raise UserError(f"{len(values)} of the networks have a known target, too few to judge with k={k}; score at "
                        f"least {max(k, FEWEST)}.")
    told = {name: oriented(name, column) for name, column in scores.items()}
    told |= {f"vote {name}": vote(name, scores) for name, members in VOTES.items()
             if all(member in scores for member in members)}
    told |= {f"count {name}" if name in scores else name: np.where(np.isfinite(column), column, np.nan)
             for name, column in costs.items()}
    rows = [RankedScore(name, judge(column, values, k, seed), partial_spearman(column, values, costs["params"]),
                int(np.isnan(column).sum())) for name, column in told.items()]
    return sorted(rows, key=lambda row: -np.nan_to_num(row.judgement.spearman, nan=-2))


def write_ranked(path: Path, rows: Sequence[RankedScore]) -> None:
    """Write all statistics as CSV, intervals as two columns."""
    text = io.StringIO()
    records = [{"score": row.score, **_flat(row.judgement), "spearman_given_params": row.given_params,
                "failed": row.failed} for row in rows]
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(path, text.getvalue())


def _flat(judgement: Judgement) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in asdict(judgement).items():
        if isinstance(value, tuple):
            found |= {name.replace("interval", "low"): value[0], name.replace("interval", "high"): value[1]}
        else:
            found[name] = value
    return found
