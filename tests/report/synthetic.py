"""Run directories made of invented numbers: what a run of any length leaves, without running it."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from dcanas.costs import count_architecture
from dcanas.spaces import load_space
from dcanas.spaces.types import Architecture

SKELETON = {"channels": 16, "cells": 2}
DIGITS = [str(i) for i in range(10)]
COSTS = ("params", "macs", "peak_bytes", "weight_bytes")
UNITS = {"params": "", "macs": "MAC", "peak_bytes": "B", "weight_bytes": "B", "latency_ms": "ms"}


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def make_run(folder: Path, epochs: int = 12, candidates: int = 40, until: str = "certificate", seed: int = 0,
             broken: bool = False, **settings: Any) -> Path:
    """Write a run of NAS-Bench-201 on digits that came as far as the stage `until` ("feasibility", "search", "derive",
    "train", "certificate"); broken: its certificate says that a limit is not met."""
    rng = np.random.default_rng(seed)
    stages = ("feasibility", "search", "derive", "train", "certificate")
    done = stages[:stages.index(until) + 1]
    stated = {"seed": seed, "device": ["local-cpu"], "budget": {"params": 190_000.0, "latency_ms": 0.5},
              "space": {"name": "nasbench201", "final_skeleton": SKELETON, "search_skeleton": {}, "file": None,
                        "file_sha256": None},
              "data": {"name": "digits", "root": None, "split_seed": 0},
              "search": {"name": "differentiable", "epochs": epochs, "finalist_epochs": 4},
              "train": {"epochs": epochs, "learning_rate": 0.1}, "baseline": False, **settings}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.yaml").write_text(yaml.safe_dump(stated), encoding="utf-8")
    write(folder / "run.json", {
        "state": "done" if until == "certificate" else "stopped", "message": "stopped after step 5 of 9",
        "command": "dcanas run seed=0", "versions": {"dcanas": "0.1.0", "torch": "2.11.0"},
        "machine": {"cpu": "a processor", "machine": "x86_64", "cores": 2, "system": "Linux", "compute": "cpu"}})
    space = load_space("nasbench201")
    pool = _pool(space, rng, candidates)
    budget = {"params": 190_000.0, "latency_ms": 0.5}
    ranges = [{"name": name, "unit": UNITS[name], "source": "counted", "minimum": 1.0, "median": 5e5, "maximum": 9e6}
              for name in COSTS]
    write(folder / "feasibility.json", {"local-cpu": {
        "space": "nasbench201", "members": 9444, "sampled": False, "ranges": ranges, "budget": budget, "share": 0.4,
        "feasible": True, "binding": [], "smallest": None}})
    if "search" not in done:
        return folder
    history = [_epoch(space, rng, number, epochs) for number in range(1, epochs + 1)]
    log = [{"stage": "search", **row} for row in history]
    write(folder / "search/scores.json", {"alphas": [], "scores": [], "history": history, "budget": budget})
    derived = folder / "derived/local-cpu"
    if "derive" in done:
        finalists = [{"architecture": row["architecture"], "score": row["score"], "origin": "score",
                      "named_by": "score", "validation_accuracy": float(0.8 + 0.19 * rng.random()),
                      "validation_loss": 0.1} for row in pool]
        best = max(finalists, key=lambda row: row["validation_accuracy"])
        write(derived / "pool.json", pool)
        write(derived / "architecture.json", {
            "space": "nasbench201", "architecture": best["architecture"], "skeleton": SKELETON, "costs": {},
            "provenance": {"method": "every member scored", "members": 9444, "feasible": 3777, "pool": len(pool),
                           "decided_by": "accuracy on the validation split after short training",
                           "finalists": finalists, "refused_by_measurement": []}})
    if "train" in done:
        trained = [{"epoch": n, "step": 10 * n, "loss": 2 / n, "accuracy": 1 - 0.8 / n, "learning_rate": 0.1}
                   for n in range(1, epochs + 1)]
        log += [{"stage": "train/local-cpu", **row} for row in trained]
        _trained(derived, trained, rng)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log), encoding="utf-8")
    if "certificate" in done:
        _certified(derived, pool, best["architecture"], budget, broken)
    return folder


def _pool(space: Any, rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    found: dict[Architecture, None] = {}
    while len(found) < count:
        arch = space.sample(rng)
        if not space.is_dead(arch):
            found.setdefault(space.prune(arch))
    rows = []
    for arch in found:
        counts = count_architecture(space, arch, (1, 8, 8), 10, **SKELETON)
        costs = {name: float(getattr(counts, name)) for name in COSTS} | {"latency_ms": counts.macs / 5e6 + 0.05}
        rows.append({"architecture": space.format(arch), "score": float(-8 * rng.random()), "origin": "score",
                     "costs": costs})
    return rows


def _epoch(space: Any, rng: np.random.Generator, number: int, epochs: int) -> dict[str, Any]:
    weights = [rng.random(len(slot.options)) + number / epochs * (np.arange(len(slot.options)) == 3)
               for slot in space.slots]
    mixing = [[round(float(w), 5) for w in row / row.sum()] for row in weights]
    entropy = float(np.mean([-sum(p * math.log(p) for p in row) for row in mixing]))
    return {"epoch": number, "step": 9 * number, "weights_loss": 2 / number, "alphas_loss": 2.2 / number,
            "weights_accuracy": 1 - 0.9 / number, "alpha_entropy": entropy, "mixing": mixing,
            "expected_over_limit/params": 1 + 0.2 / number, "multiplier/params": 0.1 * number,
            "expected_over_limit/latency_ms": 1.1 - 0.2 / number, "multiplier/latency_ms": 0.3 / number}


def _trained(derived: Path, history: list[dict[str, Any]], rng: np.random.Generator) -> None:
    confusion = (np.eye(10, dtype=int) * 35 + (rng.random((10, 10)) > 0.95)).tolist()
    content = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(content, "PNG")
    picture = base64.b64encode(content.getvalue()).decode()
    write(derived / "train.json", {
        "n": 359, "correct": 350, "accuracy": 350 / 359, "accuracy_interval": [0.95, 0.99],
        "balanced_accuracy": 0.97, "per_class_recall": dict.fromkeys(DIGITS, 0.97),
        "confusion": confusion, "trained_on": {"train": 1149, "validation": 289}, "seconds": 100.0,
        "history": history})
    write(derived / "mistakes.json", {"wrong": 9, "n": 359, "worst": [
        {"true": "3", "answer": "<b>8</b>", "confidence": 0.9, "png": picture}] * 9})


def _certified(derived: Path, pool: list[dict[str, Any]], architecture: str, budget: dict[str, float],
               broken: bool) -> None:
    costs = next(row["costs"] for row in pool if row["architecture"] == architecture)
    rows = []
    for name, unit in UNITS.items():
        measured = name == "latency_ms"
        upper = 0.7 if measured and broken else costs[name]
        met: Any = upper <= 0.5 if measured else True
        rows.append({"name": name, "unit": unit, "limit": budget.get(name), "predicted": costs[name],
                     "measured": costs[name] * (1.03 if measured else 1), "upper": upper,
                     "source": "measured" if measured else "counted", "met": met if name in budget else True})
    write(derived / "export.json", {
        "onnx": "model.onnx", "sha256": "0" * 64, "bytes": 9, "opset": 18, "ir_version": 8, "test_accuracy": 350 / 359,
        "test_accuracy_interval": [0.95, 0.99], "test_correct": 350, "test_n": 359, "weight_bytes": 9, "peak_bytes": 9,
        "parity": {"n": 256, "top1_agreement": 1.0, "max_relative_logit_error": 1e-6}})
    write(derived / "profile.json", {"model": "model.onnx", "sha256": "0" * 64, "device": "local-cpu", "conditions": {},
                                     "median_ms": costs["latency_ms"], "samples_ns": []})
    write(derived / "latency.json", {
        "members": [{"architecture": row["architecture"], "measured_ms": 1.1 * row["costs"]["latency_ms"],
                     "interval_ms": [0.1, 0.2], "predicted_ms": row["costs"]["latency_ms"], "upper_ms": 1.0}
                    for row in pool[:12]],
        "blocks": [{"name": name, "count": count, "measured_ms": 0.01 * (i + 1), "predicted_ms": 0.011 * (i + 1)}
                   for i, (name, count) in enumerate([("stem", 1), ("cell", 2), ("reduction", 1), ("cell", 2),
                                                      ("reduction", 1), ("cell", 2), ("head", 1)])]})
    write(derived / "certificate.json", {
        "device": "local-cpu", "budget": budget, "rows": rows,
        "accuracy": {"value": 350 / 359, "low": 0.95, "high": 0.99, "confidence": 0.95, "correct": 350, "n": 359,
                     "split": "test"},
        "space": "nasbench201", "architecture": architecture, "skeleton": SKELETON,
        "data": {"name": "digits", "root": None, "input_shape": [1, 8, 8], "classes": 10, "train": 1149,
                 "validation": 289, "test": 359},
        "latency": {"median_ms": costs["latency_ms"], "interval_ms": [0.9, 1.1], "p95_ms": 1.5, "n": 1000,
                    "repeat_difference": 0.01, "remark": "", "threads": 1, "onnxruntime": "1.24.0",
                    "conditions": {"cpu": "a processor"}},
        "onnx": "bundle/model.onnx", "sha256": "0" * 64, "bundle": "bundle", "seeds": {"seed": 0, "split_seed": 0},
        "versions": {"dcanas": "0.1.0"}, "command": "dcanas run"})
