"""What a run came to, in one word and a few plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcanas.costs import cost_unit
from dcanas.report.certificate import amount, decisive
from dcanas.report.record import RunRecord


@dataclass(frozen=True)
class Verdict:
    """`mood`: good, open or bad; `headline`: a few words; `sentences`: what happened, and what to do."""

    mood: str
    headline: str
    sentences: tuple[str, ...]


def verdict(record: RunRecord) -> Verdict:
    """Return what the run came to, whichever way it ended."""
    if record.infeasible:
        return Verdict("bad", "Infeasible: nothing meets the budget",
                       tuple(_infeasible(name, found) for name, found in record.infeasible.items()))
    coming = record.next_stage()
    if coming is not None:
        return _unfinished(record, coming)
    rows = [(device.name, row) for device in record.devices for row in device["certificate"]["rows"]
            if row["limit"] is not None]
    broken = [f"{row['name']} on {device}: {_value(row, decisive(row))} against a limit of {_value(row, row['limit'])}"
              for device, row in rows if row["met"] is False]
    unsure = [f"{row['name']} on {device}" for device, row in rows if row["met"] == "unverified"]
    if broken:
        return Verdict("bad", "Failed: the budget is not met",
                       (f"Delivered, but not within the limit: {'; '.join(broken)}.",))
    if unsure:
        return Verdict("open", "Delivered, not verified",
                       (f"No source that may decide told {', '.join(unsure)}; every other limit is met.",))
    if not rows:
        return Verdict("good", "Delivered", ("No limit was asked for.",))
    return Verdict("good", "Every limit is met", ())


def _unfinished(record: RunRecord, coming: str) -> Verdict:
    state, message = record.ending.get("state"), record.ending.get("message", "")
    again = f"`{record.ending['command']}` goes on from there." if "command" in record.ending else ""
    done = f"What follows is complete for what was done; {coming} has not run." if coming != "feasibility" else \
        "Nothing has been computed yet."
    if state == "refused":
        return Verdict("bad", f"Failed before the end: {coming} was not completed", (message, done))
    if state == "failed":
        return Verdict("bad", f"Failed in {coming}", (f"An error ended the run: {message}.", done, again))
    if state == "stopped":
        return Verdict("open", f"Interrupted before the end of {coming}",
                       (f"The run was {message.lower()}." if message else "", done, again))
    return Verdict("open", f"Not finished: {coming} is missing",
                   ("The run was killed, is still going on, or was asked for no more than this.", done, again))


def _infeasible(device: str, found: Mapping[str, Any]) -> str:
    told = [f"{name} is limited to {_amount(name, found['budget'][name])}, and its smallest feasible value is "
            f"{_amount(name, found['smallest'][name])}" for name in found["binding"]]
    return f"For {device} no member of {found['space']} is within all limits at once: {'; '.join(told)}. Nothing was " \
           "trained."


def _amount(name: str, value: float) -> str:
    return f"{amount(value)} {cost_unit(name)}".strip()


def _value(row: Mapping[str, Any], value: float | None) -> str:
    return f"{amount(value)} {row['unit']}".strip()
