"""What each file of a run directory must hold: one reader for all, by the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.checks import (
    Check,
    anything,
    block_of,
    count,
    flag,
    list_of,
    map_of,
    number,
    one_of,
    or_none,
    sha256,
    text,
)
from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json
from dcanas.training.confusion import unpacked_confusion

_COST = block_of({"value": number, "upper": number, "unit": text, "source": text})
_INTERVAL = list_of(number, 2)
_ACCURACY = block_of({"value": number, "low": number, "high": number, "correct": count, "n": count, "split": text})
_ROW = block_of({"name": text, "unit": text, "limit": or_none(number), "predicted": or_none(number),
                 "measured": or_none(number), "source": text, "met": one_of(True, False, "unverified")},
                {"predicted_upper": or_none(number), "upper": or_none(number), "lower": or_none(number)})
_LATENCY = block_of({"median_ms": number, "interval_ms": _INTERVAL, "p95_ms": number, "n": count,
                     "repeat_difference": number, "remark": text, "conditions": map_of(anything)})
_DATA = block_of({"name": text, "input_shape": list_of(count, 3), "classes": count, "test": count},
                 {"root": or_none(text), "integer_labels": flag, "train": count, "validation": count})
_JUDGED: dict[str, Check] = {"architecture": text, "validation_accuracy": number, "validation_loss": number}
_PROVENANCE = block_of({}, {"finalists": list_of(block_of({**_JUDGED, "score": number, "named_by": text})),
                            "tuned": list_of(block_of({**_JUDGED, "kind": text, "epochs": number})),
                            "decided_by": text, "origin": text})
_NETWORK = block_of({"space": text, "architecture": text, "skeleton": map_of(anything)},
                    {"costs": map_of(_COST), "provenance": _PROVENANCE, "name": text, "family": text,
                     "size": list_of(count, 2)})
_PROFILE = block_of({"model": text, "sha256": sha256, "device": text, "conditions": map_of(anything),
                     "samples_ns": list_of(list_of(list_of(count), 2))})
_EXAMINED: dict[str, Check] = {
    "onnx": text, "sha256": sha256, "bytes": count, "opset": count, "ir_version": count, "test_accuracy": number,
    "parity": block_of({"n": count, "top1_agreement": number, "max_relative_logit_error": number}),
    "test_accuracy_interval": _INTERVAL, "test_correct": count, "test_n": count, "weight_bytes": count,
    "peak_bytes": count}
_PRECISION = block_of({"delivered": one_of("fp32", "int8"), "decided_by": text, "fp32": map_of(anything),
                       "int8": map_of(anything)})
_PROOF = block_of(
    {"onnx_sha256": sha256, "arithmetic": text, "arena_bytes": count, "sha256": map_of(sha256),
     "not_proven": list_of(text)},
    {"test_accuracy": number, "test_accuracy_interval": _INTERVAL, "test_correct": count, "test_n": count,
     "flash_bytes": count, "flash_limit": count, "ram_bytes": count, "ram_limit": count, "stack_bytes": count,
     "of_these_harness": map_of(number), "instructions": or_none(count), "emulated_images": count,
     "compiler": text, "host_compiler": text, "emulator": text, "emulated_on": text, "flags": list_of(text)})
_ROBUSTNESS = block_of({"key": text, "n": count, "results": list_of(map_of(anything)), "files": list_of(anything)})
CERTIFICATE = block_of(
    {"device": text, "budget": map_of(number), "rows": list_of(_ROW), "accuracy": _ACCURACY, "space": text,
     "architecture": text, "skeleton": map_of(anything), "data": _DATA, "onnx": text, "sha256": sha256, "bundle": text,
     "seeds": map_of(count), "versions": map_of(text), "command": text},
    {"latency": _LATENCY, "image_ms": number, "latency_from": map_of(text), "precision": _PRECISION,
     "microcontroller": _PROOF, "robustness": list_of(_ROBUSTNESS), "deployments": list_of(map_of(anything)),
     "pretrained": map_of(anything),
     "comparison": block_of({"baseline": map_of(anything), "rows": list_of(_ROW), "accuracy": _ACCURACY,
                             "sha256": sha256, "bundle": text, "onnx": text, "recommended": text}),
     "which": one_of("searched", "rival"), "no_comparison": text})


def _confusion(value: Any, where: str) -> None:
    """Accept a confusion matrix as it is stored."""
    if not isinstance(value, list):
        block_of({"classes": count, "counts": list_of(text)})(value, where)
    try:
        table = unpacked_confusion(value)
    except (IndexError, ValueError) as error:
        raise ValueError(f"{where} is no confusion matrix ({error})") from error
    list_of(list_of(count, len(table)))(table, where)


def _logged(value: Any, where: str) -> None:
    """Accept what an epoch logs: a number, whether something happened, or numbers by slot and option."""
    (_TABLE if isinstance(value, list) else flag if isinstance(value, bool) else or_none(number))(value, where)


_TABLE = list_of(list_of(number))
_HISTORY = list_of(map_of(_logged))
_RUNGS = block_of({"targets": map_of(block_of(
    {"architecture": text, "rungs": list_of(block_of({"epochs": number, "networks": list_of(block_of(_JUDGED))}))},
    {"nominees": list_of(block_of({"architecture": text, "kind": text}))}))})
SEARCHED: dict[str, Check] = {  # results of searches; those of the user's own are what they like
    "scores.json": block_of({}, {
        "alphas": _TABLE, "scores": _TABLE, "history": _HISTORY, "budget": map_of(number), "names": list_of(text),
        "networks": list_of(block_of({"architecture": text, "scores": map_of(or_none(number))}))}),
    "supernet.json": block_of({"history": _HISTORY}, {"largest": text, "smallest": text}),
    "study.json": block_of({"trials": list_of(block_of(
        {"position": count, "state": text, "architecture": text, "values": or_none(list_of(number))},
        {"costs": map_of(number), "why": map_of(anything)}))}, {"budget": map_of(number), "sampler": text}),
    "halving.json": _RUNGS,
    "slices.json": _RUNGS,
}
KINDS: dict[str, Check] = {
    **SEARCHED,
    "feasibility.json": map_of(block_of(
        {"space": text, "members": count, "sampled": flag, "budget": map_of(number), "feasible": flag,
         "share": number, "binding": list_of(text), "smallest": or_none(map_of(number)),
         "ranges": list_of(block_of({"name": text, "minimum": number, "median": number, "maximum": number}))})),
    "architecture.json": _NETWORK,
    "pool.json": list_of(block_of({"architecture": text, "score": or_none(number), "origin": text,
                                   "costs": map_of(or_none(number))})),
    "train.json": block_of(
        {"n": count, "correct": count, "accuracy": number, "accuracy_interval": _INTERVAL,
         "balanced_accuracy": number, "per_class_recall": map_of(or_none(number)), "confusion": _confusion,
         "history": _HISTORY},
        {"seconds": number, "trained_on": map_of(count), "pretrained": map_of(anything)}),
    "mistakes.json": block_of({"wrong": count, "n": count, "worst": list_of(block_of(
        {"true": text, "answer": text, "confidence": number, "png": text}))}),
    "export.json": block_of(_EXAMINED, {"weights_sha256": sha256}),
    "int8.json": block_of({"precision": _PRECISION}, _EXAMINED),
    "proof.json": _PROOF,
    "profile.json": _PROFILE,
    "int8_profiles.json": map_of(_PROFILE),
    "latency.json": block_of({"members": list_of(map_of(anything)), "blocks": list_of(map_of(anything))}),
    "comparison.json": block_of({"baseline": or_none(_NETWORK), "recommended": text},
                                {"remark": text, "limits": map_of(number)}),
    "delivered.json": _ROBUSTNESS,
    "certificate.json": CERTIFICATE,
    "data.json": block_of(
        {"fit_key": text, "test_key": text, "name": text, "classes": list_of(text), "shape": list_of(count, 3),
         "train": count, "validation": count, "test": count, "moments": list_of(list_of(number), 2), "flip": flag,
         "learn_validation": flag, "integer_labels": flag, "report": map_of(anything)}),
    "key.json": block_of({"key": text}),
    "run.json": block_of({"state": text, "message": text}, {"command": text, "versions": map_of(text),
                                                            "machine": map_of(anything), "comparison_s": number}),
}


def read_result(path: Path) -> Any:
    """Return the content of a file of a run directory.

    Raises `UserError` if it is damaged, or no stage can have written it.
    """
    found = read_json(path)
    try:
        KINDS.get(path.name, map_of(anything))(found, "")
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}; delete it and run the command again.") from error
    return found
