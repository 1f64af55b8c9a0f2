"""`dcanas score against=...`: how well scores rank networks by published accuracy, latency or robustness."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError, unknown
from dcanas.basics.files import write_text
from dcanas.basics.typed_path import typed_path
from dcanas.hardware.latency.device_table import published_latency
from dcanas.hardware.latency.table_files import tables_folder
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.context import Context
from dcanas.proxies.columns import read_column
from dcanas.proxies.rank_aggregation import COMBINATIONS, combine, oriented
from dcanas.proxies.rank_statistics import RankStatistics, partial_spearman, rank_statistics
from dcanas.spaces import Architecture

TABLES = {"accuracy": "nasbench201_accuracy.csv.gz", "robustness": "nasbench201_robustness_cifar10.csv.gz"}
KINDS = (*TABLES, "latency")
FEWEST = 5  # networks that can be ranked


@dataclass(frozen=True)
class Reference:
    """What scores should rank: a number per architecture, larger is better.

    Attributes:
        name: for file names.
        title: for display.
    """

    name: str
    title: str
    values: Mapping[Architecture, float] = field(repr=False)


@dataclass(frozen=True)
class RankedScore:
    """How well one score ranks.

    Attributes:
        given_params: Spearman's correlation that is left when the number of parameters is given.
        failed: number of networks for which the score is not known.
    """

    score: str
    statistics: RankStatistics
    given_params: float
    failed: int


def read_reference(run: Context, options: ScoreOptions) -> Reference:
    """Return what the scores are compared with; raises `UserError` if no table has it for this space."""
    against, space = str(options.against), run.space
    if Path(against).suffix in (".csv", ".gz"):
        column, values = read_column(typed_path(against), options.column, space)
        return Reference(column, f"{column} of {against}", values)
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
    column, values = read_column(path, options.column or usual, space)
    return Reference(against, f"{column} of {path.name}, %", values)


def rank_scores(reference: Reference, scores: Mapping[str, np.ndarray], costs: Mapping[str, np.ndarray],
                values: np.ndarray, k: int, seed: int) -> list[RankedScore]:
    """Return how well scores, aggregations of their ranks, and costs rank the networks; best Spearman first.

    Args:
        scores, costs: by name; NaN if not known. Shape: (networks,) each.
        values: of the reference. Shape: (networks,).
        k: of precision@k and BestRanking@k.
        seed: of the bootstrap.

    Raises:
        UserError: there are fewer networks than k or `FEWEST`.
    """
    if len(values) < max(k, FEWEST):
        raise UserError(f"{len(values)} of the networks have a known target, too few for k={k}; score at least "
                        f"{max(k, FEWEST)}.")
    ranked = {name: oriented(name, column) for name, column in scores.items()}
    ranked |= {f"vote {name}": combine(name, scores) for name, members in COMBINATIONS.items()
             if all(member in scores for member in members)}
    ranked |= {f"count {name}" if name in scores else name: np.where(np.isfinite(column), column, np.nan)
               for name, column in costs.items()}
    rows = [RankedScore(name, rank_statistics(column, values, k, seed),
                        partial_spearman(column, values, costs["params"]), int(np.isnan(column).sum()))
            for name, column in ranked.items()]
    return sorted(rows, key=lambda row: -np.nan_to_num(row.statistics.spearman, nan=-2))


def write_ranked(path: Path, rows: Sequence[RankedScore]) -> None:
    """Write all statistics as CSV, intervals as two columns."""
    text = io.StringIO()
    records = []
    for row in rows:
        record: dict[str, Any] = {"score": row.score}
        for name, value in asdict(row.statistics).items():
            low, high = name.replace("interval", "low"), name.replace("interval", "high")
            record |= {low: value[0], high: value[1]} if isinstance(value, tuple) else {name: value}
        records.append({**record, "spearman_given_params": row.given_params, "failed": row.failed})
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(path, text.getvalue())
