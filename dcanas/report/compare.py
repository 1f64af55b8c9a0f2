"""Several runs on one page: their results, differences in settings, curves and fronts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.basics.mapping import flattened
from dcanas.report.amounts import amount
from dcanas.report.figures.canvas import captioned
from dcanas.report.figures.training import overlaid
from dcanas.report.front import members_of
from dcanas.report.html import NOTHING, code, grid, joined, paragraph, section, table
from dcanas.report.page import document
from dcanas.report.panels.fronts import front_panel
from dcanas.report.panels.summary import limit_words, with_unit
from dcanas.report.record import DeviceRecord, RunRecord, read_run
from dcanas.report.verdict import verdict

JUDGED_BY = ("data.", "train.", "search.finalist_epochs", "search.name", "seed")  # settings that decide an evaluation
Column = tuple[str, RunRecord, DeviceRecord | None]


def write_comparison(folders: Sequence[Path], path: Path) -> list[str]:
    """Write the comparison of run directories to `path` and return what cannot be compared, in sentences.

    Raises:
        UserError: there are fewer than two different runs, or one cannot be read (`read_run`).
    """
    if len({folder.resolve() for folder in folders}) < 2:
        raise UserError("A comparison needs at least two different runs: source=[RUN,RUN].")
    records = [read_run(folder) for folder in folders]
    names = _names(records)
    columns = [(f"{name}, {device.name}" if device and len(record.devices) > 1 else name, record, device)
               for name, record in zip(names, records, strict=True) for device in (record.devices or (None,))]
    open_points = caveats(records)
    parts = [("costs", "Results side by side", _results(columns)),
             ("settings", "What differs in the settings", _differences(names, records)),
             ("curves", "Curves", _curves(columns)), ("front", "Front", _front(columns))]
    top = joined([paragraph(f"{len(records)} runs are compared."), *(paragraph(text) for text in open_points)])
    write_text(path, document("Comparison of runs", ", ".join(names), top,
                              [(name, title, section(name, title, part)) for name, title, part in parts if part]))
    return open_points


def caveats(records: Sequence[RunRecord]) -> list[str]:
    """Return in sentences what cannot be compared between these runs."""
    found = []
    spaces = {record.settings["space"]["name"] for record in records}
    if len(spaces) > 1:
        found.append(f"The runs search different spaces ({', '.join(sorted(spaces))}): accuracies and costs of the "
                     "networks are compared, alphas and decisions are not.")
    if len({str(record.settings["data"]) for record in records}) > 1:
        found.append("The runs have different images or splits: their accuracies are not of the same test images.")
    devices = {tuple(record.settings["device"]) for record in records}
    if len(devices) > 1:
        found.append("The runs are for different devices: latencies are of different machines.")
    if len({str(record.settings.get("run")) for record in records}) > 1:
        found.append("The runs used different numbers of threads or processes: that alone changes results a little.")
    found += [f"{record.name} is not finished: {coming} has not run." for record in records
              if (coming := record.next_stage())]
    return found


def _names(records: Sequence[RunRecord]) -> list[str]:
    """Return the shortest ends of the directories' paths that are all different."""
    paths = [record.folder.resolve() for record in records]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _results(columns: Sequence[Column]) -> Markup:
    certificates = [(device["certificate"] if device else None) or {} for _, _, device in columns]

    def row(name: str, cell: Callable[[dict], Any]) -> list:
        return [name, *(cell(found) if found else "–" for found in certificates)]

    rows: list[list] = [["outcome", *(verdict(record).headline for _, record, _ in columns)],
                        ["space", *(record.settings["space"]["name"] for _, record, _ in columns)],
                        row("architecture", lambda found: code(found["architecture"])),
                        row("limits", lambda found: ", ".join(limit_words(*item) for item in found["budget"].items())
                            or "none"),
                        row("test accuracy", lambda found: "{:.2f} % ({:.2f} to {:.2f})".format(
                            *(100 * found["accuracy"][key] for key in ("value", "low", "high"))))]
    labels = {cost["name"]: with_unit(cost) for found in certificates for cost in found.get("rows", ())}
    for name, label in labels.items():
        cells = [next((cost for cost in found.get("rows", ()) if cost["name"] == name), None) for found in certificates]
        rows.append([label, *((amount(cost["measured"]) + (" (NOT met)" if cost["met"] is False else "")) if cost
                              else "–" for cost in cells)])
    return table(["", *(name for name, _, _ in columns)], rows, "Outcome, accuracy and costs of every run")


def _differences(names: Sequence[str], records: Sequence[RunRecord]) -> Markup:
    flat = [dict(flattened(record.settings)) for record in records]
    keys = [key for key in dict.fromkeys(key for settings in flat for key in settings)
            if len({str(settings.get(key, "–")) for settings in flat}) > 1]
    if not keys:
        return paragraph("Nothing: the settings are the same.")
    rows = [[key, *("–" if settings.get(key) is None else str(settings[key]) for settings in flat)] for key in keys]
    return table(["setting", *names], rows, "Settings in which the runs differ")


def _curves(columns: Sequence[Column]) -> Markup:
    drawn = []
    training = {name: record.training_rows[device.name] for name, record, device in columns if device}
    searching = {name: record.search_rows for name, record, _ in columns}
    for number, (histories, key, label, factor, title) in enumerate((
            (training, "accuracy", "training accuracy (%)", 100.0, "Training of the final networks"),
            (training, "loss", "training loss (nats)", 1.0, "Training loss of the final networks"),
            (searching, "alphas_loss", "loss (nats)", 1.0, "Loss of the searches on the alphas' half"),
            (searching, "largest_loss", "loss (nats)", 1.0, "Loss of the supernets' largest members"))):
        shown = {name: rows for name, rows in histories.items() if rows and key in rows[-1]}
        if shown:
            ends = "; ".join(f"{name} ends at {factor * rows[-1][key]:.4g}" for name, rows in shown.items())
            drawn.append(captioned(overlaid(shown, key, label, factor), f"curve-{number}", title, f"{ends}.", title))
    return grid(*drawn) if drawn else NOTHING


def _front(columns: Sequence[Column]) -> Markup:
    """Return the fronts of all runs whose members were evaluated in the same way, with one set of sliders."""
    groups: dict[str, list[Column]] = {}
    for column in columns:
        settings = dict(flattened(column[1].settings))
        judged = str({key: value for key, value in settings.items() if key.startswith(JUDGED_BY)})
        groups.setdefault(judged, []).append(column)
    parts = []
    for number, group in enumerate(groups.values()):
        found = [members_of(device, name) for name, _, device in group if device]
        members = [member for _, several in found for member in several]
        panel = front_panel(str(number), found[0][0], members, {}) if found else NOTHING
        if panel and len(groups) > 1:
            parts.append(paragraph(f"In one front, as their members were evaluated in the same way: "
                                   f"{', '.join(name for name, _, _ in group)}."))
        parts.append(panel)
    return joined(parts)
