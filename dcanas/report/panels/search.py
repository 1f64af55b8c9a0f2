"""The search: alphas over the epochs, every cost against its limit, and whether the search collapsed."""

from __future__ import annotations

from markupsafe import Markup

from dcanas.basics.errors import UserError
from dcanas.report.certificate import amount
from dcanas.report.figures import searching, training
from dcanas.report.figures.canvas import svg
from dcanas.report.html import NOTHING, figure, grid, joined, paragraph, subsection, table
from dcanas.report.panels.study import study
from dcanas.report.record import RunRecord
from dcanas.report.spaces import space_of, without_parameters
from dcanas.search.gradient.collapse import CLEAR, SHARE, parameter_free_share
from dcanas.spaces import Space


def search(record: RunRecord) -> Markup:
    """Return what the search did, as far as it got; nothing where it did not begin."""
    if record.settings["search"].get("name") == "study" and (record.search or record.search_rows):
        return joined([_space_left(record), study(record)])
    rows = record.search_rows
    if not rows:
        return _space_left(record)
    space = space_of(record)
    told = paragraph(f"{len(rows)} of {record.settings['search']['epochs']} epochs."
                     + ("" if record.search else " The search had not ended."))
    if "alphas_loss" not in rows[-1]:
        return joined([_space_left(record), told, _supernet(record)])
    return joined([_space_left(record), told, grid(_limits(record), _losses(record)), _collapse(record, space),
                   _alphas(record, space)])


def _space_left(record: RunRecord) -> Markup:
    """Return what the budget leaves of the space."""
    parts = []
    for device, found in (record.feasibility or {}).items():
        rows = [[cost["name"], *(amount(cost[key]) for key in ("minimum", "median", "maximum")),
                 amount(found["budget"].get(cost["name"])), cost["source"]] for cost in found["ranges"]]
        drawn = "members drawn at random" if found["sampled"] else "members"
        parts.append(subsection(
            f"What the budget leaves for {device}",
            paragraph(f"Of {found['members']:,} {drawn}, {100 * found['share']:.1f} % are within "
                      "every limit before anything is trained." if found["budget"] else "No limit: the whole space."),
            table(["cost", "min", "median", "max", "limit", "source"], rows,
                  f"Range of every cost over the space for {device}")))
    return joined(parts)


def _supernet(record: RunRecord) -> Markup:
    drawing = training.curves(record.search_rows, {"largest_loss": "largest member"},
                              {"largest_accuracy": "largest member"})
    return figure(svg(drawing, "supernet", "Training of the elastic supernet",
                      "Loss and accuracy of the largest member on training images by epoch."),
                  "Training of the supernet: the largest member, on training images.")


def _losses(record: RunRecord) -> Markup:
    last = record.search_rows[-1]
    drawing = training.curves(record.search_rows, {"weights_loss": "weights' half", "alphas_loss": "alphas' half"},
                              {"weights_accuracy": "weights' half"})
    return figure(svg(drawing, "search-curves", "Losses of the search by epoch",
                      f"Cross-entropy on both halves of the training images; at the end {last['weights_loss']:.3g} and "
                      f"{last['alphas_loss']:.3g} nats."),
                  "Loss on the half that trains the weights and on the half that trains the alphas.")


def _limits(record: RunRecord) -> Markup:
    rows = record.search_rows
    names = searching.limited(rows)
    if not names:
        return paragraph("The search had no limit to keep.", kind="faint")
    ends = "; ".join(f"{name} at {rows[-1][f'expected_over_limit/{name}']:.3g} of its limit, multiplier "
                     f"{rows[-1][f'multiplier/{name}']:.3g}" for name in names)
    return figure(svg(searching.limits(rows), "limits", "Expected costs against their limits, and multipliers",
                      f"At the end: {ends}."),
                  f"Above: the expected cost of what the alphas describe, over its limit. Below: the price that the "
                  f"search puts on breaking it. At the end: {ends}.")


def _collapse(record: RunRecord, space: Space | None) -> Markup:
    shape = _shape(record)
    if space is None or shape is None:
        return NOTHING
    try:
        free = without_parameters(space, *shape, record.settings["space"]["final_skeleton"])
    except UserError:
        free = None
    if free is None:
        return NOTHING
    rows = record.search_rows
    if "mixing" not in rows[-1]:
        verdict = "Alphas by epoch were not recorded by the version that made this run."
    else:
        share, start = (parameter_free_share(row["mixing"], free) for row in (rows[-1], rows[0]))
        verdict = f"In {100 * share:.0f} % of the slots an option without parameters (skip, pooling, none) is at " \
                  f"least {CLEAR} times as likely as every other, in {100 * start:.0f} % after the first epoch: " + (
                      "the search leans to doing nothing, which is how collapse looks; the judge of the candidates is "
                      "what keeps such a network from being delivered." if share >= SHARE else "no sign of collapse.")
    return subsection("Does it collapse?", figure(
        svg(searching.collapse(rows, free), "collapse", "Signs of collapse by epoch", verdict), verdict))


def _alphas(record: RunRecord, space: Space | None) -> Markup:
    rows = [row for row in record.search_rows if "mixing" in row]
    if not rows or space is None:
        return NOTHING
    if len(rows) > 150:  # more columns than a strip has pixels for
        rows = [rows[i * (len(rows) - 1) // 149] for i in range(150)]
    slots = [(slot.name, slot.options) for slot in space.slots]
    first = next((d for d in record.devices if d["architecture"] and d["architecture"]["space"] == space.name), None)
    chosen = dict(enumerate(space.parse(first["architecture"]["architecture"]).choices)) if first else {}
    strongest = "; ".join(f"{name}: {options[max(range(len(options)), key=rows[-1]['mixing'][i].__getitem__)]}"
                          for i, (name, options) in enumerate(slots))
    mark = f" The mark at the right is what was derived{f' for {first.name}' if first else ''}." if chosen else ""
    return subsection("Alphas over the epochs", figure(
        svg(searching.alphas(rows, slots, chosen), "alphas", "Weight of every option of every slot by epoch",
            f"Strongest at the end: {strongest}."),
        f"One strip per decision, one line per option, epochs from left to right; dark is a large weight.{mark}"))


def _shape(record: RunRecord) -> tuple[tuple[int, int, int], int] | None:
    """Return input shape and number of classes as certificates tell them, None before there is one."""
    for device in record.devices:
        if device["certificate"]:
            data = device["certificate"]["data"]
            channels, height, width = data["input_shape"]
            return (channels, height, width), data["classes"]
    return None
