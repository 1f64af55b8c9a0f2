"""What TensorBoard shows of a finished run beside its scalars: drawings, charts with several lines, and settings with
results.

The file is written once, when there is a certificate, under a name that belongs to its content: a run that is shown
again adds nothing. The scalars are written while the run goes on (see `MetricsLog`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dcanas.basics.keys import key_of
from dcanas.report.figures import network, searching
from dcanas.report.figures.canvas import png
from dcanas.report.panels.repeat import flattened
from dcanas.report.record import RunRecord
from dcanas.report.spaces import cells_of, space_of, used_edges

LAYOUT = {"search": {"expected cost / limit": ["Multiline", ["search.*/expected_over_limit/.*"]],
                     "multipliers": ["Multiline", ["search.*/multiplier/.*"]],
                     "losses": ["Multiline", ["search.*/.*loss"]]},
          "training": {"loss": ["Multiline", ["train/.*/loss"]], "accuracy": ["Multiline", ["train/.*/accuracy"]]}}


def write_events(record: RunRecord) -> Path | None:
    """Write the file and return its path; None before the run has a certificate."""
    certified = [device.folder / "certificate.json" for device in record.devices if device["certificate"]]
    if not certified:
        return None
    folder = record.folder / "tensorboard"
    key = key_of([device["certificate"] for device in record.devices], len(record.search_rows))
    there = next(folder.glob(f"events.out.tfevents.*.{key}"), None)
    if there is not None:
        return there
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    time = certified[-1].stat().st_mtime
    path = folder / f"events.out.tfevents.{int(time)}.{key}"
    folder.mkdir(exist_ok=True)
    with path.with_suffix(".part").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=time, file_version="brain.Event:2").SerializeToString())
        for summary in _summaries(record):
            writer.write(Event(wall_time=time, step=_steps(record), summary=summary).SerializeToString())
        writer.flush()
    return path.with_suffix(".part").replace(path)


def _summaries(record: RunRecord) -> Iterator[Any]:
    from torch.utils.tensorboard.summary import custom_scalars, hparams, scalar

    yield custom_scalars(LAYOUT)
    for tag, figure in _drawings(record):
        yield _image(tag, figure)
    results = dict(_results(record))
    for tag, value in results.items():
        yield scalar(tag, value)
    settings = {key: value if isinstance(value, (bool, int, float, str)) else str(value)
                for key, value in flattened(record.settings)}
    yield from hparams(settings, results)


def _drawings(record: RunRecord) -> Iterator[tuple[str, Figure]]:
    space = space_of(record)
    rows = [row for row in record.search_rows if "mixing" in row]
    if rows and space is not None:
        yield "search/alphas", searching.alphas(rows, [(slot.name, slot.options) for slot in space.slots], {})
    if searching.limited(record.search_rows):
        yield "search/limits", searching.limits(record.search_rows)
    for device in record.devices if space is not None else ():
        derived, certificate = device["architecture"], device["certificate"]
        if certificate is None or space is None:
            continue
        arch, skeleton = space.parse(derived["architecture"]), space.delivered_skeleton(derived["skeleton"])
        data = certificate["data"]
        channels, height, width = data["input_shape"]
        for cell in cells_of(space, skeleton, channels, data["classes"]):
            name = space.slots[cell.slots[0]].name.rpartition(" ")[0] or "cell"
            yield f"network/{device.name}/{name}", network.cell(cell.nodes, used_edges(space, cell, arch))
        yield f"network/{device.name}/blocks", network.blocks_of(
            space.plan(arch, (channels, height, width), data["classes"], **skeleton))


def _results(record: RunRecord) -> Iterator[tuple[str, float]]:
    for device in record.devices:
        certificate = device["certificate"]
        if certificate:
            yield f"result/{device.name}/test_accuracy", certificate["accuracy"]["value"]
            for row in certificate["rows"]:
                if row["measured"] is not None:
                    yield f"result/{device.name}/{row['name']}", float(row["measured"])


def _image(tag: str, figure: Figure) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = (int(inches * 110) for inches in figure.get_size_inches())
    image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png(figure, 110))
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def _steps(record: RunRecord) -> int:
    return max((row["step"] for row in record.search_rows), default=0)
