"""What TensorBoard shows of a finished run beside its scalars: charts of several lines, and settings with results.

The file is written once, when there is a certificate, under a name that belongs to its content: writing it again adds
nothing. The scalars are written while the run goes on (see `MetricsLog`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dcanas.basics.keys import key_of
from dcanas.basics.mapping import flattened
from dcanas.report.record import RunRecord

LAYOUT = {"search": {"expected cost / limit": ["Multiline", ["search.*/expected_over_limit/.*"]],
                     "multipliers": ["Multiline", ["search.*/multiplier/.*"]],
                     "losses": ["Multiline", ["search.*/.*loss"]]},
          "training": {"loss": ["Multiline", ["train/.*/loss"]], "accuracy": ["Multiline", ["train/.*/accuracy"]]}}


def write_events(record: RunRecord) -> Path | None:
    """Write the file and return its path; None before the run has a certificate."""
    certified = [device for device in record.devices if device["certificate"]]
    if not certified:
        return None
    folder = record.folder / "tensorboard"
    key = key_of([device["certificate"] for device in certified], len(record.search_rows))
    there = next(folder.glob(f"events.out.tfevents.*.{key}"), None)
    if there is not None:
        return there
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    time = (certified[-1].folder / "certificate.json").stat().st_mtime
    step = max((row["step"] for row in record.search_rows), default=0)
    path = folder / f"events.out.tfevents.{int(time)}.{key}"
    folder.mkdir(exist_ok=True)
    with path.with_suffix(".part").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=time, file_version="brain.Event:2").SerializeToString())
        for summary in _summaries(record):
            writer.write(Event(wall_time=time, step=step, summary=summary).SerializeToString())
        writer.flush()
    return path.with_suffix(".part").replace(path)


def _summaries(record: RunRecord) -> Iterator[Any]:
    from torch.utils.tensorboard.summary import custom_scalars, hparams, scalar

    yield custom_scalars(LAYOUT)
    results = {}
    for device in record.devices:
        if device["certificate"]:
            results[f"result/{device.name}/test_accuracy"] = device["certificate"]["accuracy"]["value"]
            results |= {f"result/{device.name}/{row['name']}": float(row["measured"])
                        for row in device["certificate"]["rows"] if row["measured"] is not None}
    for tag, value in results.items():
        yield scalar(tag, value)
    settings = {key: value if isinstance(value, (bool, int, float, str)) else str(value)
                for key, value in flattened(record.settings)}
    yield from hparams(settings, results)
