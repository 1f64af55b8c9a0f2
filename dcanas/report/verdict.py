"""The outcome of a run, as a headline and a few sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcanas.report.delivery import delivery
from dcanas.report.record import RunRecord
from dcanas.report.words import cost_words, row_words, value_words


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run.

    Attributes:
        mood: "good", "open" or "bad".
        headline: a few words.
        sentences: what happened, and what to do.
    """

    mood: str
    headline: str
    sentences: tuple[str, ...]


def verdict(record: RunRecord) -> Verdict:
    """Return the outcome of a run, however it ended."""
    if record.infeasible:
        return Verdict("bad", "Infeasible: nothing meets the budget",
                       tuple(_infeasible(name, found) for name, found in record.infeasible.items()))
    coming = record.next_stage()
    if coming is not None:
        return _unfinished(record, coming)
    rows = [(device.name, row) for device in record.devices if (shipped := delivery(record, device))
            for row in shipped.certificate["rows"] if row["limit"] is not None]
    broken = [f"{row_words(row)} on {device}" for device, row in rows if row["met"] is False]
    unsure = [f"{cost_words(row['name'])} on {device}" for device, row in rows if row["met"] == "unverified"]
    if broken:
        return Verdict("bad", "Failed: the budget is not met",
                       (f"Delivered, but not within the limit: {'; '.join(broken)}.",))
    if unsure:
        return Verdict("open", "Delivered, not verified",
                       (f"No measurement or look-up could verify {', '.join(unsure)}; every other limit is met.",))
    if not rows:
        return Verdict("good", "Delivered", ("No limit was set.",))
    return Verdict("good", "Every limit is met", ())


def _unfinished(record: RunRecord, coming: str) -> Verdict:
    state, message = record.ending.get("state"), record.ending.get("message", "")
    again = f"`{record.ending['command']}` goes on from there." if "command" in record.ending else ""
    done = f"The results below are complete up to this point; {coming} has not run." if coming != "feasibility" else \
        "Nothing has been computed yet."
    if state == "refused":
        return Verdict("bad", f"Failed before the end: {coming} was not completed", (message, done))
    if state == "failed":
        return Verdict("bad", f"Failed in {coming}", (f"An error ended the run: {message}.", done, again))
    if state == "stopped":
        return Verdict("open", f"Interrupted before the end of {coming}",
                       (f"The run was {message.lower()}." if message else "", done, again))
    return Verdict("open", f"Not finished: {coming} is missing",
                   ("The run was killed, is still going on, or was to go no further.", done, again))


def _infeasible(device: str, found: Mapping[str, Any]) -> str:
    limits = [f"the limit of {cost_words(name)} is {value_words(name, limit, [least])}, and its smallest feasible "
              f"value is {value_words(name, least, [limit])}" for name in found["binding"]
              for limit, least in ((found["budget"][name], found["smallest"][name]),)]
    return f"For {device} no member of {found['space']} is within all limits at once: {'; '.join(limits)}. Nothing " \
           "was trained."

