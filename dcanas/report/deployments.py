"""The certificate's section on bundles that were tried on their device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcanas.report.amounts import latency_words


def deployment_lines(entry: Mapping[str, Any]) -> list[str]:
    """Return in words what was found: answers, latency, its parts, and latency under sustained load."""
    if "ticks" in entry:
        return _code_lines(entry)
    answers, latency, sustained = entry["answers"], entry["latency"], entry["sustained"]
    if answers is None:
        lines = ["Image files were not opened there: its Python has no Pillow."]
    else:
        lines = [f"`infer.py` there gives our label for {answers['equal']} of {answers['n']} images "
                 f"({entry['images_from']}); largest difference of a probability "
                 f"{answers['largest_probability_difference']:.1e}, of a logit relative to the largest "
                 f"{answers['max_relative_logit_error']:.1e}."]
    lines.append(f"Latency: {latency_words(latency)}, ONNX Runtime {latency['conditions']['onnxruntime']} on "
                 f"{latency['conditions']['cpu'] or 'an unnamed processor'}.")
    if entry["stages"]:
        parts = (f"{name} {part['median_ms']:.4g} ({part['p95_ms']:.4g}) ms" for name, part in entry["stages"].items())
        lines.append(f"Of one image file, median (p95): {', '.join(parts)}.")
    lines.append(f"{sustained['seconds']:g} s without a pause: {sustained['runs']:,} runs, median "
                 f"{sustained['median_ms']:.4g} ms, p95 {sustained['p95_ms']:.4g} ms, slowest "
                 f"{sustained['slowest_ms']:.4g} ms; {sustained['first_ms']:.4g} ms at the start, "
                 f"{sustained['last_ms']:.4g} ms at the end"
                 + (f"; slowed down: {sustained['slowed']}." if sustained["slowed"] else "."))
    return [*lines, *([latency["remark"]] if latency["remark"] else [])]


def _code_lines(entry: Mapping[str, Any]) -> list[str]:
    """Return what a microcontroller answered over its serial line."""
    answers, ticks = entry["answers"], entry["ticks"]
    if answers is None:
        first = "Its answers were not compared: there is no C compiler for this machine."
    else:
        first = (f"The board gives the same bytes as this machine for {answers['equal']} of {answers['n']} images "
                 f"({entry['images_from']}), and the same class for {answers['equal_classes']}.")
    return [first, f"An image takes {ticks['median']:,.0f} ticks of its clock of {entry['hertz']:,} Hz, "
                   f"{entry['median_ms']:.4g} ms (median; {ticks['least']:,} to {ticks['most']:,})."]


def deployments_markdown(certificate: Mapping[str, Any]) -> list[str]:
    """Return the certificate's section on deployments, oldest first; nothing if there is none."""
    lines: list[str] = []
    for entry in certificate.get("deployments", []):
        lines += ["", f"## Deployed to {entry['device']} ({entry['place']}), {entry['date']}", "",
                  f"Network `{entry['network']}`." if "network" in entry else
                  f"In `{entry['folder']}`, SHA-256 of the model `{entry['sha256']}`.", "",
                  *(f"- {line}" for line in deployment_lines(entry))]
    return lines
