"""The certificate: what was promised, predicted and measured, for machines (JSON) and people (Markdown)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dcanas.costs import Budget, cost_unit
from dcanas.report import robustness
from dcanas.report.amounts import amount
from dcanas.report.deployments import deployments_markdown
from dcanas.report.precision import precision_markdown


def make_rows(budget: Budget, predicted: Mapping[str, float | None], measured: Mapping[str, float | None],
              deciding: Mapping[str, float | None], sources: Mapping[str, str],
              names: Sequence[str], bounds: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Return one row per cost: name, unit, limit, predicted, measured, upper, source, met; where what is
    predicted has an upper confidence bound (`bounds`), predicted_upper.

    deciding: the number that is held against the limit, by the source the device declares: the count itself, or the
        end of the measurement's confidence interval that is nearer to the limit: the upper one, of lower limits
        (`_min`) the lower one. Without one a limited cost is "unverified"; a cost without a limit is met by whatever
        value it has.
    """
    rows = []
    for name in dict.fromkeys([*budget, *names]):
        limit = budget.get(name)
        met: bool | str = True
        if limit is not None:
            value = deciding.get(name)
            met = "unverified" if value is None else bool(budget.allows(name, value))
        rows.append({"name": name, "unit": cost_unit(name), "limit": limit, "predicted": predicted.get(name),
                     **({"predicted_upper": bounds[name]} if bounds and name in bounds else {}),
                     "measured": measured.get(name), "lower" if name.endswith("_min") else "upper": deciding.get(name),
                     "source": sources[name], "met": met})
    return rows


def certificate_markdown(certificate: Mapping[str, Any]) -> str:
    """Return the certificate as a page a person can read."""
    accuracy = certificate["accuracy"]
    lines = [
        f"# Certificate: {certificate['data']['name']} on {certificate['device']}", "",
        f"Network: `{certificate['architecture']}` ({certificate['space']}, "
        f"{', '.join(f'{k} {v}' for k, v in certificate['skeleton'].items())}).", "",
        f"Accuracy on the {accuracy['n']} test images, which decided nothing: **{100 * accuracy['value']:.2f} %** "
        f"(95 % interval {100 * accuracy['low']:.2f} to {100 * accuracy['high']:.2f} %), by the exported file.", "",
        "| cost | limit | predicted | measured | met | source |", "|---|---:|---:|---:|---|---|",
    ]
    for row in certificate["rows"]:
        lines.append(f"| {row['name']} | {amount(row['limit'])} | {predicted_words(row)} | "
                     f"{amount(row['measured'])} | {met_word(row)} | {row['source']} |")
    if certificate.get("robustness"):
        lines += ["", *quality_lines(certificate), *robustness.markdown(certificate["robustness"])]
    if "precision" in certificate:
        lines += ["", *precision_markdown(certificate["precision"])]
    if "comparison" in certificate:
        lines += ["", *comparison_lines(certificate), "", *_side_by_side(certificate)]
    latency = certificate.get("latency")
    if latency:
        low, high = latency["interval_ms"]
        lines += ["", f"Latency: median {latency['median_ms']:.4g} ms (95 % interval {low:.4g} to {high:.4g} ms), p95 "
                      f"{latency['p95_ms']:.4g} ms, {latency['n']:,} runs at batch 1 on {latency['threads']} thread"
                      f"{'s' if latency['threads'] != 1 else ''}, ONNX Runtime {latency['onnxruntime']}; two "
                      f"independent repeats differ by {100 * latency['repeat_difference']:.1f} %."]
        if latency["remark"]:
            lines.append(latency["remark"])
    if certificate.get("latency_from"):
        lines += ["", "Before training: " + ", ".join(
            f"{name} from {kind}" for name, kind in certificate["latency_from"].items()) + "."]
    lines += [
        "", "A limit is met if the deciding number keeps it: the count of the delivered file, or for a measurement the "
            "upper end of its 95 % interval (for a least accuracy the lower end).", "",
        f"File: `{certificate['onnx']}`, SHA-256 `{certificate['sha256']}`.", "",
        f"Made by `{certificate['command']}` with seeds "
        f"{', '.join(f'{k} {v}' for k, v in certificate['seeds'].items())} and "
        f"{', '.join(f'{k} {v}' for k, v in certificate['versions'].items())}.",
        *deployments_markdown(certificate), "",
    ]
    return "\n".join(lines)


def quality_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return in words how the limit on robust accuracy was judged, where there is one."""
    judging = [found for found in certificate.get("robustness", ()) if "validation" in found]
    return [line for row in certificate["rows"] if row["name"] == "robust_accuracy_min"
            for line in robustness.limit_lines(row, judging[0], certificate["adversarial"])]


def comparison_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return in words how the searched network compares with the hand-made one, and which is recommended."""
    comparison = certificate["comparison"]
    name, accuracy = comparison["baseline"]["name"], comparison["accuracy"]
    searched, handmade = (100 * comparison["validation_accuracy"][who] for who in ("searched", "baseline"))
    better = "the searched network" if comparison["recommended"] == "searched" else f"the hand-made {name}"
    broken = [row["name"] for row in comparison["rows"] if row["met"] is not True]
    limits = f"not shown to be met: {', '.join(broken)}" if broken else "every limit met"
    within = comparison.get("limits_from", "the budget")
    of, chosen = ("within the same budget", "") if within == "the budget" else (
        "no larger than the searched one", f" It was chosen within {within}.")
    return [f"Hand-made network {of}, same recipe: {name}, test accuracy "
            f"{100 * accuracy['value']:.2f} % (95 % interval {100 * accuracy['low']:.2f} to "
            f"{100 * accuracy['high']:.2f} %), {limits}; its bundle: `{comparison['bundle']}`.{chosen}",
            f"Recommended: {better}; on the validation images, after training without them, the searched network has "
            f"{searched:.2f} %, {name} {handmade:.2f} %. The test images did not decide this."]


def _side_by_side(certificate: Mapping[str, Any]) -> list[str]:
    comparison = certificate["comparison"]
    handmade = {row["name"]: row for row in comparison["rows"]}
    lines = [f"| cost, measured or counted | limit | searched | {comparison['baseline']['name']} |",
             "|---|---:|---:|---:|"]
    for row in certificate["rows"]:
        lines.append(f"| {row['name']} | {amount(row['limit'])} | {amount(row['measured'])} | "
                     f"{amount(handmade[row['name']]['measured'])} |")
    return lines


def predicted_words(row: Mapping[str, Any]) -> str:
    """Return the predicted value and, where it has one, its upper bound."""
    bound = row.get("predicted_upper")
    return amount(row["predicted"]) + (f" (at most {amount(bound)})" if bound is not None else "")


def decisive(row: Mapping[str, Any]) -> float | None:
    """Return the number that is held against the limit of a row: the upper end, of a lower limit the lower one."""
    return row["lower"] if row["name"].endswith("_min") else row["upper"]


def met_word(row: Mapping[str, Any]) -> str:
    """Return yes, NO, unverified, or a dash where there is no limit."""
    if row["limit"] is None:
        return "–"
    return {True: "yes", False: "NO"}.get(row["met"], str(row["met"]))
