"""What a run answers to whoever has to decide: what to ship, whether it fits, is better, how sure, how fast, how large.

The page's first screen and the terminal's last lines both say this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from dcanas.report.amounts import disturbance, interval, points, quantity, share
from dcanas.report.delivery import RIVAL, SEARCHED, Delivery, delivery
from dcanas.report.difference import cheaper_words, difference
from dcanas.report.guessing import is_guessing
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.robustness import norm_words, worst_case
from dcanas.report.words import cost_words, decisive, either, listed, row_words, value_words

GOOD, OPEN, BAD = "good", "open", "bad"


@dataclass(frozen=True)
class Answer:
    """One question and its answer.

    Attributes:
        name: short, such as "limits".
        question: in full.
        value: the answer in a few words.
        text: what stands behind it.
        mood: "good", "open" or "bad"; empty if it is neither.
        command: what to type to learn more; empty if there is nothing.
    """

    name: str
    question: str
    value: str
    text: str
    mood: str = ""
    command: str = ""


def answers(record: RunRecord, device: DeviceRecord) -> list[Answer]:
    """Return the answers for one device, the first one on what to ship; none before there is a certificate."""
    shipped = delivery(record, device)
    if shipped is None:
        return []
    found = [ship(record, shipped), limits(shipped.certificate), rival(record, shipped), accuracy(shipped.certificate),
             latency(shipped.certificate), size(shipped)]
    robust = robustness(shipped.certificate)
    return [*found, robust] if robust else found


def network_name(shipped: Delivery) -> str:
    """Return how the shipped network is called: "the searched network", or the name of its rival."""
    comparison = shipped.certificate.get("comparison") or {}
    return either((comparison.get("baseline") or {}).get("name"), shipped.which)


def ship(record: RunRecord, shipped: Delivery) -> Answer:
    """Return what to ship, and where it is."""
    name = network_name(shipped) + (", made by hand" if shipped.which == RIVAL else "")
    place = f"{shipped.bundle.relative_to(record.folder).as_posix()}/"
    return Answer("ship", "What do I ship?", f"{name[0].upper()}{name[1:]}", place)


def limits(certificate: Mapping[str, Any]) -> Answer:
    """Return whether every limit is kept."""
    rows = [row for row in certificate["rows"] if row["limit"] is not None]
    question = "Does it fit?"
    if not rows:
        return Answer("limits", question, "No limit was set", "budget.COST=LIMIT sets one")
    broken = [row for row in rows if row["met"] is False]
    unsure = [row for row in rows if row["met"] == "unverified"]
    kept = [row for row in rows if row["met"] is True]
    if broken:
        names = listed(cost_words(row["name"]) for row in broken)
        return Answer("limits", question, f"No: outside its limit of {names}",
                      "; ".join(map(row_words, broken)), BAD)
    if unsure:
        names = listed(cost_words(row["name"]) for row in unsure)
        rest = f"; kept: {', '.join(map(row_words, kept))}" if kept else ""
        return Answer("limits", question, f"Not verified: {names}", "; ".join(map(_unverified, unsure)) + rest, OPEN)
    return Answer("limits", question, "Yes, every limit is kept" if len(rows) > 1 else "Yes, the limit is kept",
                  ", ".join(map(row_words, kept)), GOOD)


def _unverified(row: Mapping[str, Any]) -> str:
    """Return what is known of a cost whose limit nothing verified."""
    bound, limit = row.get("predicted_upper", row["predicted"]), row["limit"]
    at = value_words(row["name"], limit, (bound,))
    return f"the limit is {at}, and nothing measured it" if bound is None else \
        f"predicted at most {value_words(row['name'], bound, (limit,))} of {at}, but nothing measured it"


def rival(record: RunRecord, shipped: Delivery) -> Answer:
    """Return whether it is better than the best network that is made by hand, and by how much."""
    certificate, question = shipped.certificate, "Better than what I would have taken?"
    comparison = certificate.get("comparison")
    if comparison is None:
        if "no_comparison" in certificate:
            return Answer("rival", question, "There is no rival", certificate["no_comparison"].rstrip("."))
        seconds = record.ending.get("comparison_s")
        price = f", about {minutes(seconds)}" if seconds else ""
        return Answer("rival", question, "Not compared", f"to compare it with the best hand-made network{price}, type",
                      OPEN, f"dcanas run source={quote(str(record.folder))} baseline=true")
    found = difference(comparison)
    other = either(comparison["baseline"]["name"], SEARCHED if shipped.which == RIVAL else RIVAL)
    if shipped.which == RIVAL:
        found = found.turned()
    judged = f"{found.words} {found.images}"
    if comparison.get("limits_decided"):
        return Answer("rival", question, "It alone keeps the limits", f"{other} does not; accuracy: {judged}", GOOD)
    if not found.shown:
        return Answer("rival", question, "No difference is shown",
                      f"to {other}: {judged}; shipped for {cheaper_words(comparison, shipped.which)}", OPEN)
    taken = "; so the rival is shipped" if shipped.which == RIVAL else ""
    return Answer("rival", question, f"Yes, {points(found.value)} points", f"over {other}: {found.behind}{taken}", GOOD)


def accuracy(certificate: Mapping[str, Any]) -> Answer:
    """Return the accuracy with its interval."""
    found = certificate["accuracy"]
    guessing = is_guessing(found)
    value = f"{share(found['value'])}, not shown to be better than guessing" if guessing else share(found["value"])
    return Answer("accuracy", "How accurate, how sure?", value,
                  f"{interval(found['low'], found['high'])} with 95 % confidence, on {found['n']:,} test images that "
                  "decided nothing", BAD if guessing else "")


def latency(certificate: Mapping[str, Any]) -> Answer:
    """Return the latency and where it comes from."""
    device, question = certificate["device"], "How fast?"
    row = next((row for row in certificate["rows"] if row["name"] == "latency_ms"), None)
    if row is not None and row["measured"] is not None:
        p95 = next((each["measured"] for each in certificate["rows"] if each["name"] == "latency_p95_ms"), None)
        slow = f", 95th percentile {quantity(p95, 'ms')}" if p95 is not None else ""
        disturbed = disturbance(certificate["latency"]) if certificate.get("latency") else ""
        return Answer("latency", question, quantity(row["measured"], "ms", [row["limit"]]),
                      f"median for one image, measured on {device}{slow}{f': {disturbed}' if disturbed else ''}",
                      OPEN if disturbed else "")
    known = None if row is None else row["predicted"] if row["predicted"] is not None else decisive(row)
    if row is not None and known is not None:
        return Answer("latency", question, quantity(known, "ms", [row["limit"]]),
                      f"for one image on {device}, {row['source']}, not measured")
    return Answer("latency", question, "Not measured", f"{device} cannot be reached from here", OPEN)


def size(shipped: Delivery) -> Answer:
    """Return the bytes of the file and of memory."""
    rows = {row["name"]: row["measured"] for row in shipped.certificate["rows"]}
    stored = shipped.onnx.stat().st_size if shipped.onnx.is_file() else rows.get("weight_bytes")
    what = "the ONNX file" if shipped.onnx.is_file() else "weights"
    parts = [f"{quantity(rows[name], unit)} {words}" for name, unit, words in (
        ("peak_bytes", "B", "peak memory"), ("params", "", "parameters"), ("macs", "MAC", "MACs"))
        if rows.get(name) is not None]
    return Answer("size", "How large?", quantity(stored, "B"), "; ".join([what, *parts]))


def robustness(certificate: Mapping[str, Any]) -> Answer | None:
    """Return the accuracy under attack; None if it was not attacked."""
    if not certificate.get("robustness"):
        return None
    found = certificate["robustness"][-1]
    worst, eps = worst_case(found), found["results"][-1]["eps_255"]
    return Answer("robustness", "How robust?", share(worst["accuracy"]),
                  f"correct under every attack of {eps:g}/255 ({norm_words(found['norm'])}), "
                  f"{interval(*worst['interval'])}, {found['n']:,} test images")


def minutes(seconds: float) -> str:
    """Return a rough price: "1 min", "9 min", "2 h"."""
    return f"{max(1, round(seconds / 60))} min" if seconds < 5700 else f"{round(seconds / 3600)} h"


def ship_lines(record: RunRecord) -> list[str]:
    """Return the last lines of a run on a terminal: what to ship for each device, with what decides."""
    lines: list[str] = []
    several = len(record.settings["device"]) > 1
    for device in record.devices:
        found = answers(record, device)
        shipped = delivery(record, device)
        if shipped is None:
            continue
        name = network_name(shipped)
        lines.append(f"{f'{device.name}: ' if several else ''}Ship {name}: {shipped.bundle}")
        lines += [f"  {each.name:<11}{_line(each)}" for each in found[1:] if not several or each.name != "size"]
    return lines


def _line(answer: Answer) -> str:
    behind = f" ({answer.text})" if answer.text and not answer.command else f"; {answer.text}" if answer.command else ""
    return f"{answer.value}{behind}{f': {answer.command}' if answer.command else ''}"

