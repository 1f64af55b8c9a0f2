"""Several runs on one page: which is better, their networks beside each other, what differs, curves and fronts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from dcanas.basics.errors import UserError
from dcanas.basics.files import write_text
from dcanas.basics.mapping import flattened
from dcanas.report.amounts import interval, points, share
from dcanas.report.figures.canvas import captioned
from dcanas.report.figures.fronts import against_cost
from dcanas.report.figures.training import overlaid
from dcanas.report.front import members_of
from dcanas.report.html import NOTHING, code, grid, joined, more, paragraph, section, table
from dcanas.report.page import document
from dcanas.report.panels.fronts import front_panel
from dcanas.report.record import RunRecord, read_run
from dcanas.report.several import Network, differing, minus, networks, run_names
from dcanas.report.words import cost_words, value_words

JUDGED_BY = ("data.", "train.", "search.finalist_epochs", "search.name", "seed")  # settings that decide an evaluation
DRAWN = ("latency_ms", "macs", "params")  # the first that all networks have is drawn against accuracy
SHOWN = ("latency_ms", "weight_bytes", "peak_bytes", "macs", "params", "energy_mj")


def write_comparison(folders: Sequence[Path], path: Path) -> list[str]:
    """Write the comparison of run directories to `path` and return what cannot be compared, in sentences.

    Raises:
        UserError: there are fewer than two different runs, or one cannot be read (`read_run`).
    """
    if len({folder.resolve() for folder in folders}) < 2:
        raise UserError("A comparison needs at least two different runs: source=[RUN,RUN].")
    records = [read_run(folder) for folder in folders]
    names, open_points = run_names(records), caveats(records)
    made = networks(names, records)
    parts = [("networks", "Networks side by side", _networks(made)),
             ("settings", "What differs in the settings", _differences(names, records)),
             ("curves", "Curves", _curves(names, records)), ("front", "Other limits", _front(names, records))]
    top = joined([_winner(made), _picture(made), *(paragraph(text) for text in open_points)])
    write_text(path, document(f"Comparison of {len(records)} runs", "; ".join(names), top,
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


def verdict_words(made: Sequence[Network]) -> tuple[str, str, str]:
    """Return which shipped network is better: a mood, a headline and a sentence.

    One that does not keep its limits does not win; accuracies whose intervals allow no difference are told apart by
    cost.
    """
    if len({str(one.record.settings["data"]) for one in made}) > 1:
        return ("open", "Not to be compared by accuracy", "The runs were tested on different images.")
    kept = sorted((one for one in made if one.shipped and one.met), key=lambda one: -one.accuracy[0])
    if len(kept) < 2:
        return ("open", "Nothing to decide", "Fewer than two of the runs ship a network that keeps its limits.")
    best, second = kept[:2]
    difference, low, high = minus(best, second)
    told = f"{share(best.accuracy[0])} against {share(second.accuracy[0])} of {second.run}, {points(difference)} " \
           f"points ({points(low)} to {points(high)}, 95 % interval) on the test images"
    if low > 0:
        return "good", f"Better: {best.run}", f"{told}."
    rest = [one for one in kept if minus(best, one)[1] <= 0]
    cost = next((name for name in SHOWN if all(one.cost(name) is not None for one in rest)), None)
    if cost is None:
        return "open", "No difference that the intervals allow", f"{best.run}: {told}."
    least = min(rest, key=lambda one: one.cost(cost) or 0.0)
    values = [one.cost(cost) for one in rest]
    return ("open", "No difference that the intervals allow",
            f"{best.run}: {told}. Of the {len(rest)} that the intervals do not tell from it, {least.run} has the least "
            f"{cost_words(cost)}: {value_words(cost, least.cost(cost), values)}.")


def _winner(made: Sequence[Network]) -> Markup:
    mood, headline, sentence = verdict_words(made)
    return Markup('<div class="verdict {}"><strong>{}</strong>{}</div>').format(mood, headline, paragraph(sentence))


def _picture(made: Sequence[Network]) -> Markup:
    cost = next((name for name in DRAWN if made and all(one.cost(name) is not None for one in made)), None)
    if cost is None:
        return NOTHING
    groups = {name: [(one.label, one.cost(cost) or 0.0, one.accuracy) for one in made if one.shipped is shipped]
              for name, shipped in (("shipped", True), ("compared with", False))}
    drawing = against_cost(groups, cost)
    ends = "; ".join(f"{one.label}: {share(one.accuracy[0])}, {value_words(cost, one.cost(cost))}" for one in made)
    return captioned(drawing, "accuracy-cost", f"Test accuracy against {cost_words(cost)}", f"{ends}.",
                     f"Test accuracy with its 95 % interval against {cost_words(cost)}; a network that was compared "
                     "and not recommended is drawn hollow.")


def _networks(made: Sequence[Network]) -> Markup:
    if not made:
        return NOTHING
    best = max((one for one in made if one.shipped), key=lambda one: one.accuracy[0], default=made[0])
    costs = [name for name in SHOWN if any(one.cost(name) is not None for one in made)]
    robust = any(one.robust is not None for one in made)
    rows = []
    for one in sorted(made, key=lambda each: -each.accuracy[0]):
        difference, low, high = minus(one, best)
        values = [one.cost(name) for name in costs]
        cells = [f"{value_words(name, value)}{_times(value, best.cost(name))}"
                 for name, value in zip(costs, values, strict=True)]
        rows.append([one.run, f"{one.name}{' (shipped)' if one.shipped else ''}",
                     f"{share(one.accuracy[0])} ({interval(*one.accuracy[1:])})",
                     "–" if one is best else f"{points(difference)} ({points(low)} to {points(high)})", *cells,
                     *([share(one.robust) if one.robust is not None else "–"] if robust else []),
                     "yes" if one.met else "no"])
    head = ["run", "network", "test accuracy (95 % interval)", "minus the best, points", *map(cost_words, costs),
            *(["robust accuracy"] if robust else []), "limits kept"]
    drawn = [[one.run, one.name, code(one.certificate["architecture"]), one.certificate["space"]] for one in made]
    return joined([
        table(head, rows, "Every network by falling accuracy; in brackets the ratio to the best one",
              [i for i, row in enumerate(rows) if row[3] == "–"]),
        more("Architectures", table(["run", "network", "architecture", "space"], drawn, "As their spaces write them"))])


def _times(value: float | None, of: float | None) -> str:
    return f" ({value / of:.2g} ×)" if value and of and value != of else ""


def _differences(names: Sequence[str], records: Sequence[RunRecord]) -> Markup:
    found = differing(records)
    if not found:
        return paragraph("Nothing: the settings are the same.")
    kinds = {record.settings["search"]["name"] for record in records}
    other = paragraph("Settings that only one kind of search has are left out.", kind="faint") if len(kinds) > 1 else ""
    return joined([table(["setting", *names], [[key, *values] for key, values in found.items()],
                         "Settings in which the runs differ"), other])


def _curves(names: Sequence[str], records: Sequence[RunRecord]) -> Markup:
    drawn = []
    training = {f"{name}, {device.name}" if len(record.devices) > 1 else name: record.training_rows[device.name]
                for name, record in zip(names, records, strict=True) for device in record.devices}
    searching = {name: record.search_rows for name, record in zip(names, records, strict=True)}
    for number, (histories, key, label, factor, title) in enumerate((
            (training, "accuracy", "training accuracy (%)", 100.0, "Training of the final networks"),
            (training, "loss", "training loss (nats)", 1.0, "Training loss of the final networks"),
            (searching, "alphas_loss", "loss (nats)", 1.0, "Loss of the searches on the alphas' half"),
            (searching, "largest_loss", "loss (nats)", 1.0, "Loss of the supernets' largest members"))):
        shown = {name: rows for name, rows in histories.items() if rows and key in rows[-1]}
        if shown:
            ends = "; ".join(f"{name} ends at {factor * rows[-1][key]:.3g}" for name, rows in shown.items())
            drawn.append(captioned(overlaid(shown, key, label, factor), f"curve-{number}", title, f"{ends}.", title))
    return grid(*drawn) if drawn else NOTHING


def _front(names: Sequence[str], records: Sequence[RunRecord]) -> Markup:
    """Return the fronts of all runs whose members were evaluated in the same way, with one set of sliders."""
    groups: dict[str, list[tuple[str, RunRecord]]] = {}
    for name, record in zip(names, records, strict=True):
        settings = dict(flattened(record.settings))
        judged = str({key: value for key, value in settings.items() if key.startswith(JUDGED_BY)})
        groups.setdefault(judged, []).append((name, record))
    parts = []
    for number, group in enumerate(groups.values()):
        found = [members_of(device, name) for name, record in group for device in record.devices]
        panel = front_panel(str(number), found[0][0], [one for _, several in found for one in several], {}) \
            if found else NOTHING
        if panel and len(groups) > 1:
            parts.append(paragraph(f"In one front, as their members were evaluated in the same way: "
                                   f"{'; '.join(name for name, _ in group)}."))
        parts.append(panel)
    return joined(parts)
