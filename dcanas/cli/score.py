"""`dcanas score`: training-free scores of one network, a list, a sample or a whole space, and how well they rank."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.files import write_json, write_text
from dcanas.basics.keys import key_of
from dcanas.basics.machine import keep_freed_memory
from dcanas.cli.display import Display
from dcanas.costs.members import as_choices
from dcanas.hardware.latency.table_costs import published_latency
from dcanas.pipeline.judged import Target, judged, read_target, show_judgements, write_judgements
from dcanas.pipeline.scored import ScoreOptions, networks, scoring
from dcanas.pipeline.session import Session
from dcanas.pipeline.settings import from_mapping
from dcanas.proxies.proxy import Asked
from dcanas.proxies.table import Row, Scoring, columns, read_table, score_many
from dcanas.spaces import Architecture
from dcanas.spaces.user_file import file_hash

SHOWN = 20  # networks in the terminal
WIDE = 8  # scores in the terminal's table


def main(session: Session, command: str) -> int:
    options: ScoreOptions = from_mapping(ScoreOptions, session.options.asked)
    target = read_target(session, options) if options.against else None
    archs = networks(session, options)
    made = scoring(session, options.proxies, options.batch_size, options.images, options.initialisation)
    costs = _costs(session, archs)
    folder = _folder(session, made, archs)
    session.display.say(f"Scores: {folder}")
    keep_freed_memory()
    rows = _scored(session, made, archs, folder / "scores.jsonl", options.workers)
    write_text(folder / "scores.csv", _csv(made.names, rows, costs))
    if len(archs) == 1:
        _show_one(session.display, rows[0], costs)
    else:
        _show_many(session.display, made.names, rows, costs)
    if target is not None:
        _judge(session, options, target, archs, columns(rows, made.names), costs, folder)
    return 0


def _folder(session: Session, made: Scoring, archs: Sequence[Architecture]) -> Path:
    """Return where the tables go: `run.dir`, or a folder of its own for every list of networks and way of scoring."""
    if session.options.dir is not None:
        return Path(session.options.dir)
    space = session.settings.space
    key = key_of(made.header(), [arch.choices for arch in archs], file_hash(space.file) if space.file else "")
    return Path(session.options.root) / f"scores-{session.options.name}-{key}"


def _scored(session: Session, made: Scoring, archs: Sequence[Architecture], path: Path, workers: int) -> list[Row]:
    with session.display.stage(f"Scoring {len(archs):,} network{'s' if len(archs) > 1 else ''}") as bar:
        done = len(read_table(path)[1]) if path.exists() else 0

        def tell(row: Row) -> None:
            nonlocal done
            done += 1
            bar.update(done, len(archs))

        score_many(made, archs, path, workers, tell)
    return sorted(read_table(path)[1], key=lambda row: row["position"])


def _costs(session: Session, archs: Sequence[Architecture]) -> dict[str, np.ndarray]:
    """Return params and MACs of the final networks and, where a device has a table of it, the published latency."""
    choices = as_choices(archs)
    (first, *_) = session.devices
    found = {cost.name: cost.values(choices) for cost in session.costs(first) if cost.name in ("params", "macs")}
    for device in session.devices:
        latency = published_latency(session.space, device)
        if latency is not None:
            found[f"{device.name}.latency_ms"] = latency.values(choices)
    return found


def _judge(session: Session, options: ScoreOptions, target: Target, archs: Sequence[Architecture],
           scores: Mapping[str, np.ndarray], costs: Mapping[str, np.ndarray], folder: Path) -> None:
    values = np.array([target.values.get(arch, np.nan) for arch in archs])
    there = np.isfinite(values)
    found = judged(target, {name: column[there] for name, column in scores.items()},
                   {name: column[there] for name, column in costs.items()}, values[there], options.k,
                   session.settings.seed)
    write_judgements(folder / f"against-{target.name}.csv", found)
    write_json(folder / f"against-{target.name}.json",
               {"target": target.title, "networks": int(there.sum()), "without": int((~there).sum()), "k": options.k})
    show_judgements(session.display, target, found, int(there.sum()), int((~there).sum()), options.k)
    if not any("latency" in name for name in costs):
        session.display.say("No latency beside them: device=NAME of one with a published table adds it "
                            "(`dcanas list devices`).")


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


def _show_one(display: Display, row: Row, costs: Mapping[str, np.ndarray]) -> None:
    told = ", ".join(f"{name} {values[0]:,.4g}" if "latency" in name else f"{name} {values[0]:,.0f}"
                     for name, values in costs.items())
    lines = [[name, _number(value), Asked.parse(name).proxy.direction, row["status"].get(name, "ok"),
              f"{row['seconds'][name]:.2f}"] for name, value in row["scores"].items()]
    display.table(f"{row['architecture']}: {told}", ["proxy", "value", "better", "status", "seconds"], lines)


def _show_many(display: Display, names: Sequence[str], rows: Sequence[Row], costs: Mapping[str, np.ndarray]) -> None:
    shown = list(names)[:WIDE]
    lines = [[row["architecture"], *(f"{column[i]:,.6g}" if "latency" in name else f"{column[i]:,.0f}"
                                     for name, column in costs.items()),
              *(_number(row["scores"][name]) for name in shown)] for i, row in enumerate(rows[:SHOWN])]
    more = [f"{len(names) - WIDE} more scores"] if len(names) > WIDE else []
    more += [f"{len(rows) - SHOWN:,} more networks"] if len(rows) > SHOWN else []
    title = "First networks" if len(rows) > SHOWN else "Networks"
    display.table(title, ["architecture", *costs, *shown], lines)
    failed: dict[str, int] = {}
    for row in rows:
        for name, why in row["status"].items():
            failed[f"{name}: {why}"] = failed.get(f"{name}: {why}", 0) + 1
    for why, count in failed.items():
        display.say(f"{why} ({count:,} of {len(rows):,} networks)")
    if more:
        display.say(f"scores.csv holds {' and '.join(more)}.")


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.6g}"
