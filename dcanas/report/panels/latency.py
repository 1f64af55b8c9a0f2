"""Predicted against measured latency, of whole networks and by block."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dcanas.report.amounts import latency_words, quantity, share
from dcanas.report.certificate import latency_sources
from dcanas.report.figures.candidates import agreement, bars
from dcanas.report.figures.canvas import captioned
from dcanas.report.html import NOTHING, grid, joined, paragraph
from dcanas.report.record import DeviceRecord, RunRecord


def latency(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return sources, measurement and prediction of the latency; nothing if it has neither source nor measurement."""
    certificate, found = device["certificate"] or {}, device["latency"] or {}
    parts: list[Any] = []
    if "latency_from" in certificate:
        parts.append(paragraph(latency_sources(certificate), "."))
    measured = certificate.get("latency")
    if measured:
        parts.append(paragraph(
            f"Measured: {latency_words(measured)} on {measured['threads']} thread{'s' * (measured['threads'] != 1)}, "
            f"ONNX Runtime {measured['onnxruntime']}, {measured['conditions'].get('cpu') or 'unknown processor'}; two "
            f"repeats differ by {share(measured['repeat_difference'])}. {measured['remark']}"))
    if found:
        parts.append(grid(_agreement(device, found["members"]), _blocks(device, found["blocks"])))
    return joined(parts)


def _agreement(device: DeviceRecord, members: list[dict[str, Any]]) -> Markup:
    if not members:
        return NOTHING
    row = next((r for r in (device["certificate"] or {}).get("rows", ()) if r["name"] == "latency_ms"), None)
    chosen = (row["predicted"], row["measured"]) if row and row["predicted"] and row["measured"] else None
    errors = sorted(abs(m["predicted_ms"] / m["measured_ms"] - 1) for m in members)
    text = f"{len(members)} networks measured before training; half of them are predicted within " \
           f"{100 * errors[len(errors) // 2]:.1f} %." + (
               f" The delivered file: {quantity(chosen[0], 'ms')} predicted, {quantity(chosen[1], 'ms')} measured "
               f"({100 * (chosen[0] / chosen[1] - 1):+.1f} %)." if chosen else "")
    drawing = agreement([m["predicted_ms"] for m in members], [m["measured_ms"] for m in members], chosen, "ms")
    return captioned(drawing, f"agreement-{device.name}", "Predicted against measured latency", text,
                     f"{text} The prediction was fitted to most of these networks.")


def _blocks(device: DeviceRecord, blocks: list[dict[str, Any]]) -> Markup:
    if not blocks:
        return NOTHING
    labels = [f"{row['name']} ×{row['count']}" if row["count"] > 1 else row["name"] for row in blocks]
    groups = {"measured": [1000 * row["measured_ms"] for row in blocks]}
    if all(row["predicted_ms"] is not None for row in blocks):
        groups["predicted"] = [1000 * row["predicted_ms"] for row in blocks]
    largest = max(range(len(blocks)), key=lambda i: blocks[i]["measured_ms"])
    text = f"{labels[largest]} (part {largest + 1} of {len(blocks)}) adds most: {groups['measured'][largest]:.1f} µs."
    how = "Predicted from prices per million MACs, depthwise MACs and weights, and per executed step." \
        if len(groups) > 1 else "No limit on latency was set, so nothing was predicted."
    return captioned(bars(labels, groups, "added latency (µs)"), f"block-latency-{device.name}",
                     "What each block adds to the latency", text,
                     f"What each block adds, from beginnings of the delivered file measured side by side; the first "
                     f"includes the call of the runtime. {text} {how}")
