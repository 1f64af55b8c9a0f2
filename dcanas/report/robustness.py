"""What a certificate says of robustness, in lines and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

COLUMNS = ["robustness", "size, 1/255", "accuracy", "95 % interval"]


def worst_case(found: Mapping[str, Any], split: str = "results") -> Mapping[str, Any]:
    """Return the share that withstood every attack at the largest size, with its interval.

    Where another file than the exported one is delivered (int8), of the test images: what is left there.
    """
    delivered = [file["results"] for file in found["files"] if file["file"] == found.get("delivered")]
    return (delivered[0] if delivered and split == "results" else found[split])[-1]["worst_case"]


def rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the rows of a table: clean, after each attack, the worst case, the files, the corruptions."""
    first = found["results"][0]
    yield ["clean", "0", *_share(first["clean"])]
    for result in found["results"]:
        for number, attack in enumerate(result["attacks"]):
            yield [f"{'then ' if number else ''}{attack['name']}", f"{result['eps_255']:g}", *_share(attack)]
        yield ["worst case", f"{result['eps_255']:g}", *_share(result["worst_case"])]
    for file in found["files"]:
        for result in file["results"]:
            yield [f"then square on {file['file']}", f"{result['eps_255']:g}", *_share(result["worst_case"])]
    corrupted = found["corruptions"]
    if corrupted["mean"] is not None:
        yield ["15 corruptions, mean", "–", *_share({"accuracy": corrupted["mean"], "interval": corrupted["interval"]})]


def notes(found: Mapping[str, Any]) -> list[str]:
    """Return what has to be said beside the numbers."""
    told = [f"{found['n']} test images, which decided nothing; norm {found['norm']}. An attack gets what those before "
            "it left; the worst case is what withstood all. Square, which needs predictions only, attacks the exported "
            "file in ONNX Runtime, the others the network it was made from. AutoAttack without FAB-T where apgd_ce, "
            "apgd_t and square are among them."]
    if found["corruptions"]["mean"] is None:
        told.append(f"Corruption accuracy is not available: {found['corruptions']['reason']}.")
    sentences = [text for result in (*found["results"], *(r for file in found["files"] for r in file["results"]))
                 for text in result["warnings"]]
    return [*told, *dict.fromkeys(f"Warning: {text}" for text in sentences)]


def markdown(evaluations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the certificate's lines on robustness."""
    lines = []
    for found in evaluations:
        lines += ["", f"| {' | '.join(COLUMNS)} |", "|---|---:|---:|---|"]
        lines += [f"| {' | '.join(row)} |" for row in rows(found)]
        for note in notes(found):
            lines += ["", note]
    return lines


def limit_lines(row: Mapping[str, Any], found: Mapping[str, Any], adversarial: Mapping[str, Any]) -> list[str]:
    """Return how `robust_accuracy_min` was judged and, where it is not met, what is likely to help.

    row: of the certificate; found: the evaluation that judged it; adversarial: settings `train.adversarial`.
    """
    test, seen = worst_case(found), worst_case(found, "validation")
    size = found["results"][-1]["eps_255"]
    met = "is met" if row["met"] is True else "is NOT shown to be met"
    text = (f"robust_accuracy_min = {row['limit']:g} {met}: at {size:g}/255 in {found['norm']} "
            f"{_words(test)} of the test images withstood every attack, and the lower end has to reach the limit. Of "
            f"the validation images, which the delivered network has learnt from, {_words(seen)} did.")
    return [text] if row["met"] is True else [text, remedy(size, found["norm"], adversarial)]


def remedy(size: float, norm: str, adversarial: Mapping[str, Any]) -> str:
    """Return what to change where robustness is not enough; the recipe says it, no test image does."""
    if adversarial["attack"] == "none":
        return f"To buy robustness: train=fast_at train.adversarial.eps_255={size:g}, at some cost in clean accuracy."
    if norm == "linf" and adversarial["eps_255"] < size:
        return f"It was trained for {adversarial['eps_255']:g}/255: raise train.adversarial.eps_255 to {size:g}."
    return "It was trained for this; what is left: more room in the budget, more epochs (train.epochs) or more images."


def _share(rate: Mapping[str, Any]) -> tuple[str, str]:
    low, high = rate["interval"]
    return f"{100 * rate['accuracy']:.2f} %", f"{100 * low:.2f} to {100 * high:.2f} %"


def _words(rate: Mapping[str, Any]) -> str:
    share, interval = _share(rate)
    return f"{share} (95 % interval {interval})"
