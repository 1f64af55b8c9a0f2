"""The certificate's section on fp32 and int8 versions of the same network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.report.amounts import amount

ROWS = {"validation_accuracy": "accuracy on validation images", "weight_bytes": "weight_bytes",
        "peak_bytes": "peak_bytes", "latency_ms": "latency_ms, measured side by side",
        "latency_p95_ms": "latency_p95_ms", "latency_upper_ms": "upper end of the 95 % interval of latency_ms"}


def precision_markdown(precision: Mapping[str, Any]) -> list[str]:
    """Return the lines that compare both precisions and state which is delivered, and why."""
    fp32, int8 = precision["fp32"], precision["int8"]
    lines = [f"Precision: **{precision['delivered']}** is delivered ({precision['decided_by']}). int8 was calibrated "
             f"on {precision['calibration_images']} training images; both were compared on {precision['validation_n']} "
             "validation images"
             + (", which the final training had used" if precision["validation_was_learnt"] else "")
             + "; the test images decided nothing.", "", "| | fp32 | int8 |", "|---|---:|---:|"]
    for key, words in ROWS.items():
        if key in int8:
            lines.append(f"| {words} | {amount(fp32[key])} | {amount(int8[key])} |")
    if tuned := precision.get("fine_tuned"):
        lines[0] += f" {tuning_words(tuned, precision['validation_n'])}"
    broken = " | ".join(", ".join(part["broken"]) or "none" for part in (fp32, int8))
    return [*lines, f"| limits broken | {broken} |",
            *(f"\n{name}: {part['remark']}" for name, part in (("fp32", fp32), ("int8", int8)) if part.get("remark"))]


def tuning_words(tuned: Mapping[str, Any], count: int) -> str:
    """Return what fine-tuning for int8 has brought; count: of the validation images."""
    before, after = tuned["validation_correct"]
    return (f"As rounding alone had cost more than half a point, the network was trained for {tuned['epochs']} more "
            f"epochs while it rounded: {after} of {count} validation images right instead of {before}, and "
            f"{'that file is the one compared' if tuned['kept'] else 'the file without it was kept'}.")
