"""The certificate's section on robustness, as lines and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dcanas.basics.hooks import Hooks
from dcanas.report.amounts import interval, share

COLUMNS = ["robustness", "size, 1/255", "accuracy", "95 % interval"]


def worst_case(found: Mapping[str, Any], split: str = "results") -> Mapping[str, Any]:
    """Return the accuracy after all attacks at the largest size, with its interval.

    Args:
        found: an evaluation as JSON.
        split: "results" (test images; of the delivered file if that is int8) or "validation".
    """
    delivered = [file["results"] for file in found["files"] if file["file"] == found.get("delivered")]
    return (delivered[0] if delivered and split == "results" else found[split])[-1]["worst_case"]


def norm_words(norm: str) -> str:
    """Return a norm as it is written: L∞, L2."""
    return {"linf": "L∞", "l2": "L2"}.get(norm, norm)


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
    """Return the notes below the table."""
    lines = [f"{found['n']} test images, which decided nothing; norm {norm_words(found['norm'])}. Each attack is run "
             "on the images that the attacks before it did not mislead; the worst case is what withstood all of them. "
             "Square, which needs predictions only, attacks the exported file in ONNX Runtime, the others the network "
             "it was made from. With apgd_ce, apgd_t and square this is AutoAttack without FAB-T."]
    if found["corruptions"]["mean"] is None:
        lines.append(f"Corruption accuracy is not available: {found['corruptions']['reason']}.")
    sentences = [text for result in (*found["results"], *(r for file in found["files"] for r in file["results"]))
                 for text in result["warnings"]]
    return [*lines, *dict.fromkeys(f"Warning: {text}" for text in sentences)]


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
    """Return how `robust_accuracy_min` was verified and, if it is not met, what is likely to help.

    Args:
        row: of the certificate.
        found: the evaluation that decided.
        adversarial: settings `train.adversarial`.
    """
    test, seen, trained = worst_case(found), worst_case(found, "validation"), adversarial["eps_255"]
    size = found["results"][-1]["eps_255"]
    met = "is met" if row["met"] is True else "is NOT shown to be met"
    text = (f"The limit on robust accuracy, at least {share(row['limit'])}, {met}: at {size:g}/255 in "
            f"{norm_words(found['norm'])} {_words(test)} of the test images withstood every attack, and the lower end "
            "has to reach the limit. Of the validation images, which the delivered network was trained on, "
            f"{_words(seen)} did.")
    if row["met"] is True:
        return [text]
    if adversarial["attack"] == "none":
        return [text, f"To gain robustness: train=fast_at train.adversarial.eps_255={size:g}, at some cost in clean "
                      "accuracy."]
    if found["norm"] == "linf" and trained < size:
        return [text, f"It was trained for {trained:g}/255: raise train.adversarial.eps_255 to {size:g}."]
    return [text, "It was trained for this size; what may still help: more room in the budget, more epochs "
                  "(train.epochs) or more images."]


def _share(rate: Mapping[str, Any]) -> tuple[str, str]:
    low, high = rate["interval"]
    return share(rate["accuracy"]), interval(low, high)


def _words(rate: Mapping[str, Any]) -> str:
    share, interval = _share(rate)
    return f"{share} (95 % interval {interval})"


def show_robustness(hooks: Hooks, device: str, found: Mapping[str, Any]) -> None:
    """Show the robustness of a network as a table, with notes; found: an evaluation as JSON."""
    hooks.table(f"{device}: what is left under attack", COLUMNS, list(rows(found)))
    hooks.message("\n".join(notes(found)))
