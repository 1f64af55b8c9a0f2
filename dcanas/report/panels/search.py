"""The search: alphas by epoch, expected costs against their limits, and signs of collapse."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from markupsafe import Markup

from dcanas.basics.errors import UserError
from dcanas.report.amounts import share
from dcanas.report.figures import searching, studying, training
from dcanas.report.figures.canvas import NOT_YET, captioned
from dcanas.report.html import NOTHING, code, grid, joined, paragraph, subsection, table
from dcanas.report.panels.study import study
from dcanas.report.record import RunRecord
from dcanas.report.spaces import space_of, without_parameters
from dcanas.report.words import cost_words, value_words
from dcanas.search.gradient.collapse import CLEAR, SHARE, parameter_free_share
from dcanas.spaces import Space


def search(record: RunRecord) -> Markup:
    """Return what the search did, as far as it got; nothing if it did not begin."""
    rows = record.search_rows
    parts = [_space_left(record)]
    if record.settings["search"].get("name") == "study" and (record.search or rows):
        parts.append(study(record))
    elif rows:
        parts.append(paragraph(f"{len(rows)} of {record.settings['search']['epochs']} epochs."
                               + ("" if record.search else " The search had not ended.")))
        space = space_of(record)
        parts += [grid(_limits(record), _losses(record)), _collapse(record, space), _alphas(record, space)] \
            if "mixing" in rows[-1] else [_supernet(record)]
    if record.front and "judged" in record.front:
        parts.append(_front(record.front))
    return joined(parts)


def _front(found: Mapping[str, Any]) -> Markup:
    """Return the slices that `dcanas front` judged, and those that no other beats."""
    rows, first = found["front"], found["judged"][0]
    costs = [name for name in first if name not in ("architecture", "kind", "loss", "accuracy")]
    picture = captioned(studying.unbeaten(rows, costs, "loss", found["judged"]), "front-of-slices",
                        "Inherited loss against costs", f"{len(found['judged'])} networks judged, {len(rows)} of them "
                        "not dominated; the large filled point is the knee.")
    tuned = [[code(row["architecture"]), row["kind"], f"{row['loss']:.3f}",
              *(value_words(cost, row[cost]) for cost in costs),
              share(row["fine_tuned_accuracy"]) if "fine_tuned_accuracy" in row else "–"] for row in rows]
    return subsection("Slices under other limits", joined([picture, table(
        ["architecture", "what it is", "inherited loss", *map(cost_words, costs), "fine-tuned, validation"], tuned,
        "What no other slice beats; its ends and its knee were fine-tuned")]))


def _space_left(record: RunRecord) -> Markup:
    """Return the range of every cost over the space, and the share of members within the budget."""
    parts = []
    for device, found in (record.feasibility or {}).items():
        rows = [[cost_words(cost["name"]), *(value_words(cost["name"], cost[key], (limit,))
                                             for key in ("minimum", "median", "maximum")),
                 value_words(cost["name"], limit, [cost["minimum"]]), cost["source"]]
                for cost in found["ranges"] for limit in (found["budget"].get(cost["name"]),)]
        drawn = "members drawn at random" if found["sampled"] else "members"
        parts.append(subsection(
            f"What the budget leaves for {device}",
            paragraph(f"Of {found['members']:,} {drawn}, {100 * found['share']:.1f} % are within every limit by "
                      "what is known before training." if found["budget"] else "No limit: the whole space."),
            table(["cost", "min", "median", "max", "limit", "source"], rows,
                  f"Range of every cost over the space for {device}")))
    return joined(parts)


def _supernet(record: RunRecord) -> Markup:
    drawing = training.curves(record.search_rows, {"largest_loss": "largest member"},
                              {"largest_accuracy": "largest member"})
    return captioned(drawing, "supernet", "Training of the elastic supernet",
                     "Loss and accuracy of the largest member on training images by epoch.")


def _losses(record: RunRecord) -> Markup:
    losses = {"weights_loss": "weights' half", "alphas_loss": "alphas' half"}
    drawing = training.curves(record.search_rows, losses, {"weights_accuracy": "weights' half"})
    ends = " and ".join(f"{record.search_rows[-1].get(key, NOT_YET):.3g}" for key in losses)
    return captioned(drawing, "search-curves", "Losses of the search by epoch",
                     f"Cross-entropy on both halves of the training images; at the end {ends} nats.",
                     "Loss on the half that trains the weights and on the half that trains the alphas.")


def _limits(record: RunRecord) -> Markup:
    rows = record.search_rows
    names = searching.limited(rows)
    if not names:
        return paragraph("The search had no limit.", kind="faint")
    ends = "; ".join(f"{cost_words(name)} at {rows[-1][f'expected_over_limit/{name}']:.3g} of its limit, multiplier "
                     f"{rows[-1][f'multiplier/{name}']:.3g}" for name in names)
    return captioned(searching.limits(rows), "limits", "Expected costs against their limits, and multipliers",
                     f"At the end: {ends}.", "Above: the expected cost under the alphas, divided by its limit. Below: "
                     f"the multiplier of the limit. At the end: {ends}.")


def _collapse(record: RunRecord, space: Space | None) -> Markup:
    free = None
    if space is not None and record.images is not None:
        with suppress(UserError):
            free = without_parameters(space, *record.images, record.settings["space"]["final_skeleton"])
    if free is None:
        return NOTHING
    rows = record.search_rows
    share, start = (parameter_free_share(row["mixing"], free) for row in (rows[-1], rows[0]))
    verdict = f"In {100 * share:.0f} % of the slots an option without parameters (skip, pooling, none) is at least " \
              f"{CLEAR} times as likely as every other, in {100 * start:.0f} % after the first epoch: " + (
                  "the search prefers options without parameters, which is a sign of collapse; such a network is "
                  "rejected when the candidates are compared." if share >= SHARE else "no sign of collapse.")
    return subsection("Does it collapse?", captioned(searching.collapse(rows, free), "collapse",
                                                     "Signs of collapse by epoch", verdict))


def _alphas(record: RunRecord, space: Space | None) -> Markup:
    rows = record.search_rows
    if space is None:
        return NOTHING
    if len(rows) > 150:  # more columns than a strip has pixels for
        rows = [rows[i * (len(rows) - 1) // 149] for i in range(150)]
    slots = [(slot.name, slot.options) for slot in space.slots]
    first = next((d for d in record.devices if d["architecture"] and d["architecture"]["space"] == space.name), None)
    chosen = dict(enumerate(space.parse(first["architecture"]["architecture"]).choices)) if first else {}
    strongest = "; ".join(f"{name}: {options[max(range(len(options)), key=rows[-1]['mixing'][i].__getitem__)]}"
                          for i, (name, options) in enumerate(slots))
    mark = f" The mark at the right is what was derived for {first.name}." if first else ""
    return subsection("Alphas over the epochs", captioned(
        searching.alphas(rows, slots, chosen), "alphas", "Weight of every option of every slot by epoch",
        f"Strongest at the end: {strongest}.",
        f"One strip per decision, one line per option, epochs from left to right; dark is a large weight.{mark}"))
