"""Every cost of the shipped network against its limit, and the exact values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.report.amounts import amount
from dcanas.report.certificate import met_word, predicted_words, with_unit
from dcanas.report.delivery import delivery
from dcanas.report.html import NOTHING, joined, more, paragraph, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.words import cost_words, decisive, value_words

MOODS = {"yes": "yes", "NO": "no", "unverified": "unsure"}


def limits(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return the costs of what is shipped against their limits; nothing before there is a certificate."""
    shipped = delivery(record, device)
    if shipped is None:
        return NOTHING
    rows = shipped.certificate["rows"]
    exact = [[with_unit(row), *(amount(row[key]) for key in ("limit", "predicted", "measured")),
              amount(decisive(row)) if row["source"] == "measured" else "–"] for row in rows]
    return joined([
        table(["cost", "limit", "predicted", "delivered", "deciding end of its 95 % interval", "kept", "by"],
              [_row(row) for row in rows], f"Costs of the shipped network on {device.name} against their limits"),
        paragraph("A limit is kept if the deciding number is within it: the count of the delivered file, or the end of "
                  "the measurement's 95 % interval that is nearer to the limit. The test images decided nothing.",
                  kind="faint"),
        more("Exact values", table(["cost, as in settings", "limit", "predicted", "delivered", "deciding end"], exact,
                                   "The same numbers, not rounded"))])


def _row(row: Mapping[str, Any]) -> list[Any]:
    name, word, end = row["name"], met_word(row), decisive(row) if row["source"] == "measured" else None
    mark = Markup('<span class="{}">{}</span>').format(MOODS[word], word.lower()) if word in MOODS else NOTHING + word
    numbers = (row["limit"], row["measured"], end)
    return [cost_words(name), value_words(name, row["limit"], numbers), predicted_words(row),
            value_words(name, row["measured"], (row["limit"],)), value_words(name, end, (row["limit"],)), mark,
            row["source"]]
