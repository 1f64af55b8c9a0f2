"""The certificate: limits, predictions and measurements, as rows for JSON and as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dcanas.basics.statistics import UNEVEN
from dcanas.costs import Budget, cost_unit
from dcanas.report import robustness
from dcanas.report.amounts import amount, disturbance, interval, latency_words, points, quantity, share
from dcanas.report.delivery import RIVAL, SEARCHED, sides
from dcanas.report.deployments import deployments_markdown
from dcanas.report.difference import cheaper_words, difference
from dcanas.report.guessing import guessing_words, is_guessing
from dcanas.report.microcontroller import proof_markdown
from dcanas.report.precision import precision_markdown
from dcanas.report.words import cost_words, listed, value_words


def make_rows(budget: Budget, predicted: Mapping[str, float | None], measured: Mapping[str, float | None],
              deciding: Mapping[str, float | None], sources: Mapping[str, str],
              names: Sequence[str], bounds: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Return one row per cost: name, unit, limit, predicted, measured, upper, source and met.

    Args:
        budget: limits by cost, in base units.
        predicted, measured: values by cost, in base units.
        deciding: the number that is compared with the limit, from the source that the device's profile states: the
            count itself, or the end of the measurement's confidence interval that is nearer to the limit: the upper
            one, or the lower one for lower limits (`_min`). Without it, a cost with a limit is "unverified"; a cost
            without a limit is always met.
        sources: how each cost is obtained.
        names: costs that get a row even without a limit.
        bounds: upper confidence bounds of predictions, by cost; they become `predicted_upper`.
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
    """Return the content of a `certificate.json` as a page in Markdown."""
    accuracy = certificate["accuracy"]
    lines = [
        f"# Certificate: {certificate['data']['name']} on {certificate['device']}", "",
        f"Network: `{certificate['architecture']}` ({certificate['space']}, "
        f"{', '.join(f'{k} {v}' for k, v in certificate['skeleton'].items())}).", "",
        f"Accuracy on the {accuracy['n']} test images, which decided nothing: **{share(accuracy['value'])}** "
        f"(95 % interval {interval(accuracy['low'], accuracy['high'])}), by "
        f"{accuracy.get('by', 'the exported file').removesuffix(' in ONNX Runtime')}.", "",
        *(f"{line}\n" for line in accuracy_lines(certificate)),
        "| cost | limit | predicted | measured | met | source |", "|---|---:|---:|---:|---|---|",
    ]
    for row in certificate["rows"]:
        name, limit, measured = row["name"], row["limit"], row["measured"]
        lines.append(f"| {cost_words(name)} | {value_words(name, limit, (measured,))} | {predicted_words(row)} | "
                     f"{value_words(name, measured, (limit,))} | {met_word(row)} | {row['source']} |")
    if words := certificate["data"].get("words"):
        lines += ["", "What was understood of the images:", "", *(f"- {line}" for line in words)]
    if "pretrained" in certificate:
        lines += ["", pretrained_words(certificate["pretrained"])]
    if certificate.get("robustness"):
        lines += ["", *quality_lines(certificate), *robustness.markdown(certificate["robustness"])]
    if "precision" in certificate:
        lines += ["", *precision_markdown(certificate["precision"])]
    if "microcontroller" in certificate:
        lines += ["", *proof_markdown(certificate["microcontroller"])]
    if compared := comparison_lines(certificate):
        lines += ["", *compared]
    if "comparison" in certificate:
        name = certificate["comparison"]["baseline"]["name"]
        lines += ["", f"| cost, measured or counted | limit | searched | {name} |", "|---|---:|---:|---:|"]
        lines += [f"| {cost_words(row['name'])} | {' | '.join(numbers)} |"
                  for row, *numbers in side_by_side(certificate)]
    latency = certificate.get("latency")
    if latency:
        lines += ["", f"Latency: {latency_words(latency)} on {latency['threads']} thread"
                      f"{'s' if latency['threads'] != 1 else ''}, ONNX Runtime {latency['onnxruntime']}; two "
                      f"independent repeats differ by {100 * latency['repeat_difference']:.1f} %."]
        if words := latency["remark"] or disturbance(latency):
            lines.append(f"{words[0].upper()}{words[1:].rstrip('.')}.")
    if "image_ms" in certificate:
        height, width = certificate["data"]["input_shape"][1:]
        lines += ["", f"The network takes images of {height}x{width} pixels. Making one ready (read, decoded and "
                      f"resized by `infer.py`) takes {quantity(certificate['image_ms'], 'ms')} where this run was made "
                      "and is not part of the latency."]
    if "latency_from" in certificate:
        lines += ["", f"{latency_sources(certificate)}."]
    lines += ["", "Exact values:", "", "| cost | limit | predicted | measured |", "|---|---:|---:|---:|"]
    lines += [f"| {with_unit(row)} | {amount(row['limit'])} | {amount(row['predicted'])} | {amount(row['measured'])} |"
              for row in certificate["rows"]]
    lines += [
        "", "A limit is met if the deciding number is within it: the count of the delivered file, or for a measurement "
            "the upper end of its 95 % interval (the lower end for a minimum accuracy).", "",
        f"File: `{certificate['onnx']}`, SHA-256 `{certificate['sha256']}`.", "",
        f"Made by `{certificate['command']}` with seeds "
        f"{', '.join(f'{k} {v}' for k, v in certificate['seeds'].items())} and "
        f"{', '.join(f'{k} {v}' for k, v in certificate['versions'].items())}.",
        *deployments_markdown(certificate), "",
    ]
    return "\n".join(lines)


def accuracy_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return what has to be known beside the accuracy: of guessing, copies, bad files and uneven classes."""
    accuracy, data = certificate["accuracy"], certificate["data"]
    understood = data.get("understood", {})
    lines = [guessing_words(accuracy)] if is_guessing(accuracy) else []
    if "with_copies" in accuracy:
        copies, others = understood["copies"], accuracy["with_copies"]
        why = [f"{copies['learnt']} of {copies['test_files']} test images are also in train or validation"] \
            if copies["learnt"] else []
        again = copies["not_counted"] - copies["learnt"]
        why += [f"{again} are stored more than once"] if again else []
        lines.append(f"{', '.join(why)}, and do not count; with them it would be "
                     f"{share(others['correct'] / others['n'])} ({others['correct']} of {others['n']}).")
    if left := understood.get("bad", {}).get("of_test"):
        lines.append(f"Test images that cannot be read are left out: {left}.")
    if accuracy.get("largest_class", 0) * data.get("classes", 0) > UNEVEN:
        lines.append(f"Balanced accuracy {share(accuracy['balanced_accuracy'])}: the classes are uneven, and "
                     f"{share(accuracy['largest_class'])} of the test images are of the largest one.")
    return lines


def latency_sources(certificate: Mapping[str, Any]) -> str:
    """Return in words which source each limited latency or energy had before training."""
    sources = certificate["latency_from"].items()
    return f"Before training: {', '.join(f'{cost_words(name)} from {kind}' for name, kind in sources)}"


def pretrained_words(record: Mapping[str, Any]) -> str:
    """Return what a certificate's record of given weights says (see `dcanas.pretrained.TakenOver`)."""
    known = ""
    if record["licence"]:
        mean, deviation = ("/".join(f"{value:.3f}" for value in record[key]) for key in ("mean", "deviation"))
        known = (f" They come from {record['origin']}, licence {record['licence']}, and were trained on images in "
                 f"[0, 1] normalised by mean {mean} and deviation {deviation}.")
    return (f"Training started from weights of {' or '.join(record['sources']) or 'an earlier training'}: "
            f"{record['tensors']} tensors with {record['parameters']:,} parameters of `{record['file']}`, SHA-256 "
            f"`{record['sha256']}`.{known}")


def quality_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return in words how the limit on robust accuracy was verified, if there is one."""
    judging = [found for found in certificate.get("robustness", ()) if "validation" in found]
    return [line for row in certificate["rows"] if row["name"] == "robust_accuracy_min"
            for line in robustness.limit_lines(row, judging[0], certificate["adversarial"])]


def comparison_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return in words how the searched network compares with the hand-made one, and which is recommended.

    Nothing if none was wanted; why, if there is none.
    """
    if "comparison" not in certificate:
        return [certificate["no_comparison"]] if "no_comparison" in certificate else []
    networks = sides(certificate)
    comparison, rival = certificate["comparison"], networks[RIVAL]
    accuracy = rival["accuracy"]
    broken = [cost_words(row["name"]) for row in rival["rows"] if row["met"] is not True]
    limits = f"not shown to be met: {listed(broken)}" if broken else "every limit met"
    within = comparison.get("limits_from", "the budget")
    of, chosen = ("within the same budget", "") if within == "the budget" else (
        "no larger than the searched one", f" It was chosen within {within}.")
    judged = _splits_words(comparison) if "splits" in comparison else _once_words(comparison)
    if comparison.get("limits_decided"):
        judged[-1] = f"Recommended: {recommended_words(comparison)}, by {comparison['recommended_by']}."
    return [f"Hand-made network {of}, same recipe: {comparison['baseline']['name']}, test accuracy "
            f"{share(accuracy['value'])} (95 % interval {interval(accuracy['low'], accuracy['high'])}), {limits}; its "
            f"bundle: {rival['bundle']}.{chosen}", *judged]


def _once_words(comparison: Mapping[str, Any]) -> list[str]:
    """Return in words what accuracies on the validation split say."""
    name, better = comparison["baseline"]["name"], recommended_words(comparison)
    searched, handmade = (share(comparison["validation_accuracy"][of]) for of in ("searched", "baseline"))
    found, which = difference(comparison), "searched" if comparison["recommended"] == "searched" else "rival"
    text = (f"On the validation images, after training without them, the searched network has {searched}, {name} "
            f"{handmade}: searched minus hand-made {found.words} {found.images}.")
    why = f"Recommended: {better}." if found.shown else \
        f"No difference is shown. Recommended: {better}, for {cheaper_words(comparison, which)}."
    return [text, f"{why} The test images did not decide this."]


def _splits_words(comparison: Mapping[str, Any]) -> list[str]:
    """Return in words what accuracies on several fresh splits say."""
    splits, better = comparison["splits"], recommended_words(comparison)
    searched, handmade = (", ".join(share(value) for value in splits[of]) for of in ("searched", "baseline"))
    found, which = difference(comparison), "searched" if comparison["recommended"] == "searched" else "rival"
    text = (f"Both were trained on {len(splits['searched'])} fresh splits of the images that may be learnt from, "
            f"look-alikes on one side. Accuracy on the images kept back: the searched network {searched}; "
            f"{comparison['baseline']['name']} {handmade}. Mean difference, searched minus hand-made: "
            f"{points(found.value)} ± {100 * splits['standard_error']:.1f} points (standard error).")
    why = f"Recommended: {better}, as the difference is more than its standard error." if splits["shown"] else \
        f"No difference is shown, as it is within its standard error. Recommended: {better}, for " \
        f"{cheaper_words(comparison, which)}."
    return [text, f"{why} The test images did not decide this."]


def recommended_words(comparison: Mapping[str, Any]) -> str:
    """Return which of two networks is recommended."""
    return "the searched network" if comparison["recommended"] == "searched" else \
        f"the hand-made {comparison['baseline']['name']}"


def side_by_side(certificate: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield every row of a certificate with its limit and the measured values of the searched and the hand-made
    network, as text."""
    networks = sides(certificate)
    handmade = {row["name"]: row["measured"] for row in networks[RIVAL]["rows"]}
    for row in networks[SEARCHED]["rows"]:
        name, limit, mine, other = row["name"], row["limit"], row["measured"], handmade.get(row["name"])
        yield (row, value_words(name, limit, (mine, other)), value_words(name, mine, (limit, other)),
               value_words(name, other, (limit, mine)))


def predicted_words(row: Mapping[str, Any]) -> str:
    """Return the predicted value and, if it has one, its upper bound."""
    name, bound, limit = row["name"], row.get("predicted_upper"), row["limit"]
    return value_words(name, row["predicted"], (limit,)) + (
        f" (at most {value_words(name, bound, (limit,))})" if bound is not None else "")


def met_word(row: Mapping[str, Any]) -> str:
    """Return yes, NO, unverified, or a dash if there is no limit."""
    if row["limit"] is None:
        return "–"
    return {True: "yes", False: "NO"}.get(row["met"], str(row["met"]))


def with_unit(row: Mapping[str, Any]) -> str:
    """Return the name of a row of a certificate with its unit, as in settings: "weight_bytes (B)"."""
    return f"{row['name']} ({row['unit']})" if row["unit"] else row["name"]
