"""Score: training-free scores of one network, a list, a sample or a whole space, and how well they rank."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcanas.basics.files import write_json, write_text
from dcanas.basics.keys import key_of
from dcanas.basics.machine import keep_freed_memory
from dcanas.costs.members import as_choices
from dcanas.hardware.latency.device_table import published_latency
from dcanas.pipeline.command_options import ScoreOptions
from dcanas.pipeline.context import Context
from dcanas.pipeline.networks_to_score import networks_to_score
from dcanas.pipeline.rank_evaluation import RankedScore, Reference, rank_scores, read_reference, write_ranked
from dcanas.proxies.table import Row, Scoring, columns, read_table, score_many
from dcanas.search.scoring import make_scoring
from dcanas.spaces import Architecture


@dataclass(frozen=True)
class Scores:
    """The result of `score`.

    Attributes:
        folder: of `scores.csv` and the rank statistics.
        rows: one per network: architecture, scores, status and seconds by proxy.
        costs: parameters, MACs and published latencies, by name. Shape: (networks,) each.
        reference, ranked: what the scores are compared with, and how well each ranks; None and () without one.
        known: number of networks whose reference value is known.
    """

    folder: Path
    names: tuple[str, ...]
    rows: list[Row]
    costs: Mapping[str, np.ndarray]
    reference: Reference | None = None
    ranked: Sequence[RankedScore] = ()
    known: int = 0


def score(run: Context, options: ScoreOptions) -> Scores:
    """Return the scores of the networks that the options name; each is stored before the next is computed."""
    reference = read_reference(run, options) if options.against else None
    archs = networks_to_score(run, options)
    scoring = make_scoring(run.task(folder=run.location), options.proxies, options.batch_size)
    costs = _costs(run, archs)
    folder = _folder(run, scoring, archs)
    run.hooks.message(f"Scores: {folder}")
    keep_freed_memory()
    with run.hooks.stage(f"Scoring {len(archs):,} network{'s' if len(archs) > 1 else ''}") as hooks:
        score_many(scoring, archs, folder / "scores.jsonl", run.engine, hooks)
    rows = sorted(read_table(folder / "scores.jsonl")[1], key=lambda row: row["position"])
    write_text(folder / "scores.csv", _csv(scoring.names, rows, costs))
    if reference is None:
        return Scores(folder, scoring.names, rows, costs)
    values = np.array([reference.values.get(arch, np.nan) for arch in archs])
    there = np.isfinite(values)
    scores = columns(rows, scoring.names)
    ranked = rank_scores(reference, {name: column[there] for name, column in scores.items()},
                         {name: column[there] for name, column in costs.items()}, values[there], options.k,
                         run.settings.seed)
    write_ranked(folder / f"against-{reference.name}.csv", ranked)
    write_json(folder / f"against-{reference.name}.json", {
        "target": reference.title, "networks": int(there.sum()), "without": int((~there).sum()), "k": options.k})
    return Scores(folder, scoring.names, rows, costs, reference, ranked, int(there.sum()))


def _folder(run: Context, scoring: Scoring, archs: Sequence[Architecture]) -> Path:
    """Return the folder of the tables: `run.dir`, or one for every list of networks and way of scoring."""
    if run.options.run.dir is not None:
        return Path(run.options.run.dir)
    space = run.settings.space
    key = key_of(scoring.header(), [arch.choices for arch in archs], space.file_sha256 or "")
    return Path(run.options.run.root) / f"scores-{run.options.name}-{key}"


def _costs(run: Context, archs: Sequence[Architecture]) -> dict[str, np.ndarray]:
    """Return params and MACs of the final networks and, if a device has a table of it, the published latency."""
    choices = as_choices(archs)
    counted = run.book(run.devices[0]).counted
    found = {cost.name: cost.values(choices) for cost in counted if cost.name in ("params", "macs")}
    for device in run.devices:
        latency = published_latency(run.space, device)
        if latency is not None:
            found[f"{device.name}.latency_ms"] = latency.values(choices)
    return found


def _csv(names: Sequence[str], rows: Sequence[Row], costs: Mapping[str, np.ndarray]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["architecture", *(f"count_{name}" if name in ("params", "macs") else name for name in costs),
                     *names, "seconds", "status"])
    for i, row in enumerate(rows):
        failed = "; ".join(f"{name}: {why}" for name, why in row["status"].items())
        writer.writerow([row["architecture"], *(f"{column[i]:.10g}" for column in costs.values()),
                         *("" if row["scores"][name] is None else repr(row["scores"][name]) for name in names),
                         round(sum(row["seconds"].values()), 3), failed])
    return text.getvalue()
