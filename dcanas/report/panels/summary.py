"""The top of the page: the verdict, and what is delivered for each device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dcanas.costs import cost_unit
from dcanas.report.amounts import amount
from dcanas.report.certificate import accuracy_lines, decisive, met_word, recommended_words
from dcanas.report.html import NOTHING, code, joined, paragraph, subsection, table
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.verdict import verdict

WORDS = {"yes": "yes", "NO": "no", "unverified": "unsure"}


def summary(record: RunRecord) -> Markup:
    """Return the verdict, the request and, per device, the delivered network."""
    found = verdict(record)
    top = Markup('<div class="verdict {}"><strong>{}</strong>{}</div>').format(
        found.mood, found.headline, joined(paragraph(text) for text in found.sentences if text))
    return joined([top, _asked(record), *(_delivered(device) for device in record.devices if device["certificate"])])


def _asked(record: RunRecord) -> Markup:
    data, space = record.settings["data"], record.settings["space"]
    parts = []
    for name in record.settings["device"]:
        limits = [f"at most {limit_words(*item)}" for item in record.budget(name).items()] if record.feasibility else \
            [f"{cost} {limit}" for cost, limit in record.settings["budget"].items()]  # before units are resolved
        parts.append(f"for {name}: {', '.join(limits) or 'no limit'}")
    images = f"the images in {data['root']}" if data.get("root") else f"the data set {data['name']}"
    return paragraph(Markup("<b>Requested:</b> "), f"a network of the space {space['name']} that classifies {images}; ",
                     "; ".join(parts), ".")


def _delivered(device: DeviceRecord) -> Markup:
    certificate = device["certificate"]
    accuracy, rows = certificate["accuracy"], certificate["rows"]
    facts = [(f"{100 * accuracy['value']:.2f} %", f"test accuracy, {100 * accuracy['low']:.2f} to "
              f"{100 * accuracy['high']:.2f} % (95 % interval, {accuracy['n']:,} images)")]
    accuracies = [paragraph(line) for line in accuracy_lines(certificate)]
    latency = next((row for row in rows if row["name"] == "latency_ms" and row["measured"] is not None), None)
    if latency:
        facts.append((f"{latency['measured']:.3g} ms",
                      f"median latency at batch 1, {latency['source']} on {device.name}"))
    values = {row["name"]: row["measured"] for row in rows}
    for name, what in (("params", "parameters"), ("macs", "multiply-accumulates per image"),
                       ("weight_bytes", "weights in the file"), ("peak_bytes", "peak memory of activations")):
        if values.get(name) is not None:
            facts.append((short(values[name], "B" if name.endswith("bytes") else ""), what))
    met = [f"{row['name']} ({row['source']})" for row in rows if row["limit"] is not None and row["met"] is True]
    sentence = f"Met: {', '.join(met)}. " if met else ""
    comparison = certificate.get("comparison", {})
    advice = f"Recommended: {recommended_words(comparison)} (see below). " \
        if comparison.get("recommended") == "baseline" else ""
    return subsection(
        f"Delivered for {device.name}",
        paragraph(code(certificate["architecture"]), f" ({certificate['space']}, ",
                  ", ".join(f"{k} {v}" for k, v in certificate["skeleton"].items()), ")"),
        Markup('<ul class="big">{}</ul>').format(joined(
            Markup("<li><b>{}</b><span>{}</span></li>").format(*fact) for fact in facts)),
        *accuracies,
        table(["cost", "limit", "predicted", "delivered", "deciding end of its 95 % interval", "met", "by"],
              [_row(row) for row in rows], f"Costs of the network for {device.name} against their limits"),
        paragraph(sentence, advice, "A limit is met if the deciding number is within it: the count of the delivered "
                  "file, or the end of the measurement's 95 % interval that is nearer to the limit. The test images "
                  "decided nothing.", kind="faint"))


def _row(row: Mapping[str, Any]) -> list[Any]:
    word = met_word(row)
    end = amount(decisive(row)) if row["source"] == "measured" else "–"
    mark = Markup('<span class="{}">{}</span>').format(WORDS[word], word) if word in WORDS else NOTHING + word
    numbers = (amount(row[key]) for key in ("limit", "predicted", "measured"))
    return [with_unit(row), *numbers, end, mark, row["source"]]


def with_unit(row: Mapping[str, Any]) -> str:
    """Return the name of a row of a certificate with its unit."""
    return f"{row['name']} ({row['unit']})" if row["unit"] else row["name"]


def limit_words(cost: str, value: float) -> str:
    """Return a limit in words: "100,000 params", "2 ms (latency_ms)"."""
    unit = cost_unit(cost)
    return f"{amount(value)} {cost}" if unit in ("", "MAC") else f"{amount(value)} {unit} ({cost})"


def short(value: float, unit: str = "") -> str:
    """Return a number with three significant digits: 181 k, 1.45 M, 12.3 kB."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}{unit}"
    return f"{value:.3g} {unit}".strip()
