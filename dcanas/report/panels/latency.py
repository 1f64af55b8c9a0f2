"""How close prediction came to measurement, for whole networks and block by block."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dcanas.report.figures.candidates import agreement, bars
from dcanas.report.figures.canvas import svg
from dcanas.report.html import NOTHING, figure, grid, joined, paragraph
from dcanas.report.record import DeviceRecord, RunRecord


def latency(record: RunRecord, device: DeviceRecord) -> Markup:
    """Return measured latency beside its prediction; nothing where nothing was measured."""
    certificate, found = device["certificate"], device["latency"] or {}
    measured = (certificate or {}).get("latency")
    if not measured and not found:
        return NOTHING
    parts: list[Any] = []
    if measured:
        low, high = measured["interval_ms"]
        parts.append(paragraph(
            f"Median {measured['median_ms']:.4g} ms (95 % interval {low:.4g} to {high:.4g} ms), p95 "
            f"{measured['p95_ms']:.4g} ms; {measured['n']:,} runs at batch 1 on {measured['threads']} "
            f"thread{'s' * (measured['threads'] != 1)}, ONNX Runtime {measured['onnxruntime']}, "
            f"{measured['conditions'].get('cpu') or 'unknown processor'}; two repeats differ by "
            f"{100 * measured['repeat_difference']:.1f} %. {measured['remark']}"))
    drawn = grid(_agreement(device, found.get("members") or []), _blocks(device, found.get("blocks") or []))
    if not found:
        drawn = paragraph("Latency by block was not recorded by the version that made this run.", kind="faint")
    return joined([*parts, drawn])


def _agreement(device: DeviceRecord, members: list[dict[str, Any]]) -> Markup:
    if not members:
        return NOTHING
    row = next((r for r in (device["certificate"] or {}).get("rows", ()) if r["name"] == "latency_ms"), None)
    chosen = (row["predicted"], row["measured"]) if row and row["predicted"] and row["measured"] else None
    errors = sorted(abs(m["predicted_ms"] / m["measured_ms"] - 1) for m in members)
    told = f"{len(members)} networks measured before training; half of them are predicted within " \
           f"{100 * errors[len(errors) // 2]:.1f} %." + (
               f" The delivered file: {chosen[0]:.4g} ms predicted, {chosen[1]:.4g} ms measured "
               f"({100 * (chosen[0] / chosen[1] - 1):+.1f} %)." if chosen else "")
    drawing = agreement([m["predicted_ms"] for m in members], [m["measured_ms"] for m in members], chosen, "ms")
    return figure(svg(drawing, f"agreement-{device.name}", "Predicted against measured latency", told),
                  f"{told} Most of the networks also taught the prediction.")


def _blocks(device: DeviceRecord, blocks: list[dict[str, Any]]) -> Markup:
    if not blocks:
        return NOTHING
    labels = [f"{row['name']} ×{row['count']}" if row["count"] > 1 else row["name"] for row in blocks]
    groups = {"measured": [1000 * row["measured_ms"] for row in blocks]}
    if all(row["predicted_ms"] is not None for row in blocks):
        groups["predicted"] = [1000 * row["predicted_ms"] for row in blocks]
    largest = max(range(len(blocks)), key=lambda i: blocks[i]["measured_ms"])
    told = f"{labels[largest]} (part {largest + 1} of {len(blocks)}) adds most: {groups['measured'][largest]:.1f} µs."
    how = "Predicted from a price per million MACs and per executed step." if len(groups) > 1 else \
        "No limit on latency was set, so nothing was predicted."
    return figure(svg(bars(labels, groups, "added latency (µs)"), f"block-latency-{device.name}",
                      "What each block adds to the latency", told),
                  f"What each block adds, from beginnings of the delivered file measured side by side; the first also "
                  f"carries the call. {told} {how}")
