"""Latency by member and by block, for the report; no decision depends on it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.files import read_json
from dcanas.basics.keys import plain
from dcanas.basics.manifest import write_result
from dcanas.costs import Domain
from dcanas.hardware import Device, Profile
from dcanas.hardware.latency.latency_fit import fit_latency
from dcanas.hardware.latency.plan_latency import block_features, plan_features
from dcanas.hardware.measuring.block_latency import profile_blocks
from dcanas.pipeline.context import Context
from dcanas.report.kinds import read_result
from dcanas.spaces import Architecture
from dcanas.spaces.types import NotationError

FITTED = 7  # measured members that suffice to fit a base and the four prices


def record_latency(run: Context, device: Device, folder: Path) -> None:
    """Write `latency.json`: predicted and measured latency of every measured member and of each delivered block."""
    done = folder / "latency.json"
    if done.exists():
        return
    with run.hooks.stage(f"Latency by block on {device.name}"):
        model = next((cost for cost in run.book(device).costs if cost.name == "latency_ms"), None)
        measured = _measured(run, device) if model else []
        members = [{"architecture": run.space.format(arch), "measured_ms": profile.median_ms,
                    "interval_ms": list(profile.interval_ms), "predicted_ms": model.value(arch),
                    "upper_ms": model.upper(arch)} for arch, profile in measured if model]
        write_result(run.folder, done, {"members": members, "blocks": _blocks(run, device, folder, measured)}, "report")


def _measured(run: Context, device: Device) -> list[tuple[Architecture, Profile]]:
    """Return the members of the space that were measured before training, as far as the files name them.

    Each is there once, by its longest measurement. Files of older versions name neither space nor skeleton.
    """
    own = {"space": run.space.name, "skeleton": plain(run.space.complete_skeleton(dict(run.skeleton)))}
    found: dict[Architecture, Profile] = {}
    for path in sorted((run.folder / "latency" / device.name).glob("*.json")):
        stored = read_json(path)
        if "architecture" not in stored or any(stored.get(name, value) != value for name, value in own.items()):
            continue
        with suppress(NotationError):  # a hand-made network of another space, in a file of an older version
            arch, profile = run.space.parse(stored["architecture"]), Profile.from_json(stored)
            if arch not in found or profile.n > found[arch].n:
                found[arch] = profile
    return list(found.items())


def _blocks(run: Context, device: Device, folder: Path,
            known: list[tuple[Architecture, Profile]]) -> list[dict[str, Any]]:
    """Return per run of equal blocks what it adds to the latency and, from prices of `block_features` fitted to the
    members `known`, what it was predicted to add."""
    derived, shape, classes = read_result(folder / "architecture.json"), run.dataset.shape, \
        len(run.dataset.classes)
    arch, skeleton = run.space.parse(derived["architecture"]), run.space.delivered_skeleton(derived["skeleton"])
    plan = run.space.plan(arch, shape, classes, **skeleton)
    measured = profile_blocks(folder / "model.onnx", device, [block.count for block in plan],
                              seed=run.settings.seed)
    alike = len(measured) == len(plan)  # else the file's blocks are not the plan's, and nothing predicts them
    fit = None
    if alike and len(known) >= FITTED:
        domain = Domain.of(run.space, shape, classes, **run.skeleton)
        fit = fit_latency(np.array([plan_features(run.space, member, domain) for member, _ in known]),
                         np.array([profile.median_ms for _, profile in known]))
    rows = []
    for number, latency in enumerate(measured):
        block = plan[number] if alike else None
        predicted = fit and block and (0 if number else fit.base) + float(
            np.dot(block_features(block), fit.per_option))
        rows.append({"name": block.name if block else f"block {latency.first}", "count": block.count if block else 1,
                     "measured_ms": latency.added_ms, "predicted_ms": predicted})
    return rows
