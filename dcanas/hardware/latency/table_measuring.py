"""Measuring an operation table: small files, then whole networks, a few side by side, each stored before it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of
from dcanas.costs import Domain
from dcanas.costs.members import as_architecture, member_choices
from dcanas.hardware.devices.device import Device
from dcanas.hardware.latency.block_operations import block_operations
from dcanas.hardware.latency.latency_fit import choose_members
from dcanas.hardware.latency.operation_files import FEW, MANY, write_operations
from dcanas.hardware.latency.operation_table import Measured, OperationTable
from dcanas.hardware.latency.operations import Operation, distinct, operations_of
from dcanas.hardware.latency.plan_latency import plan_features
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.hardware.measuring.profile import Profile
from dcanas.hardware.measuring.profiler import profile_onnx
from dcanas.spaces import Architecture, Space

FITTED, LEFT_OUT = 12, 10  # whole networks
SAMPLE = 500  # members among which they are chosen where a space is too large to be listed
OPERATION_S, NETWORK_S = 0.6, 2.0  # of counted runs per file
CAP_S = 30.0  # for those measured side by side, on a noisy machine
AT_ONCE = 6  # operations or networks measured side by side
EXPORTED = 24  # operations written in one call of the exporter
OnProgress = Callable[[int, int, str], None]


def operations_to_measure(space: Space, domain: Domain) -> list[Operation]:
    """Return the rows of a table for these networks; raises `UserError` where there would be too many."""
    if not space.additive:
        return block_operations(space, domain)
    return distinct(operations_of(space, domain.input_shape, domain.num_classes, **dict(domain.skeleton)))


def measure_table(space: Space, device: Device, domain: Domain, conditions: dict[str, Any], folder: Path,
                  on_progress: OnProgress, seed: int = 0, left_out: int = LEFT_OUT) -> OperationTable:
    """Measure every operation of the space's networks and calibrate them by whole networks.

    folder: where single measurements are kept; what is there is not measured again.
    left_out: random networks that are only used to tell the error.
    """
    operations = operations_to_measure(space, domain)
    fitted, tests = _networks(space, domain, seed, left_out)
    total = len(operations) + len(fitted) + len(tests)
    on_progress(0, total, "operations")
    pairs: dict[str, tuple[Profile, Profile]] = {}
    for start in range(0, len(operations), AT_ONCE):
        some = operations[start:start + AT_ONCE]
        pairs |= measure_operations(some, device, folder, seed, operations[start:start + EXPORTED])
        on_progress(start + len(some), total, "operations")
    members = list(dict.fromkeys([*fitted, *tests]))
    profiles: dict[Architecture, Profile] = {}
    for start in range(0, len(members), AT_ONCE):
        profiles |= measure_members(space, members[start:start + AT_ONCE], folder, device, domain.input_shape,
                                    domain.num_classes, NETWORK_S, seed, CAP_S, **dict(domain.skeleton))
        on_progress(len(operations) + len(profiles), total, "whole networks")
    told = {**conditions, "onnxruntime": next(iter(profiles.values())).conditions["onnxruntime"]}
    rows = {text: marginal_ms(*pair) for text, pair in pairs.items()}
    noisy = tuple(text for text, pair in pairs.items() if any(profile.noisy for profile in pair))

    def measured(archs: Sequence[Architecture]) -> tuple[Measured, ...]:
        return tuple(Measured(space.format(a), profiles[a].median_ms, profiles[a].p95_ms, profiles[a].noisy)
                     for a in archs)

    return OperationTable(device.name, domain, told, rows, noisy, measured(fitted), measured(tests))


def measure_operations(operations: Sequence[Operation], device: Device, folder: Path, seed: int = 0,
                       written: Sequence[Operation] = (), again: str = "") -> dict[str, tuple[Profile, Profile]]:
    """Return the profiles of each operation's two files, measured now or before; see `marginal_ms`.

    written: operations whose files are written in the same call, where they are missing. again: another word measures
    again and keeps what was measured before.
    """
    names = {op.text: f"operation-{key_of(op.text, seed)}" for op in (*operations, *written)}
    stored = {op.text: [folder / f"{names[op.text]}-{copies}{again}.json" for copies in (FEW, MANY)]
              for op in operations}
    missing = [op for op in operations if not all(path.is_file() for path in stored[op.text])]
    files = {op.text: [folder / f"{names[op.text]}-{copies}.onnx" for copies in (FEW, MANY)]
             for op in (*missing, *written)}
    unwritten = [op for op in dict.fromkeys([*missing, *(written if missing else ())])
                 if not all(path.is_file() for path in files[op.text])]
    if unwritten:
        write_operations(unwritten, folder, [names[op.text] for op in unwritten], device, seed)
    if missing:
        targets = {str(target): source for op in missing
                   for target, source in zip(stored[op.text], files[op.text], strict=True)}
        for target, profile in profile_onnx(targets, device, OPERATION_S, seed, CAP_S).items():
            write_json(Path(target), profile.to_json())
    return {text: tuple(Profile.from_json(read_json(path)) for path in paths)  # type: ignore[misc]
            for text, paths in stored.items()}


def marginal_ms(few: Profile, many: Profile) -> float:
    """Return what one more copy of an operation costs, never less than nothing."""
    return max(0.0, (many.median_ms - few.median_ms) / (MANY - FEW))


def _networks(space: Space, domain: Domain, seed: int, left_out: int) -> tuple[list[Architecture], list[Architecture]]:
    """Return the networks to fit to, spread by MACs and steps, and others drawn by chance."""
    rng = np.random.default_rng(seed)
    choices = member_choices(space) if space.enumerable else \
        np.unique(np.array([space.sample(rng).choices for _ in range(SAMPLE)]), axis=0)
    pool = choices[rng.choice(len(choices), min(SAMPLE, len(choices)), replace=False)]
    features = np.array([plan_features(space, as_architecture(space, row), domain) for row in pool])
    fitted = choose_members(features, min(FITTED, len(pool)), rng, features[:, 0])
    rest = [i for i in range(len(pool)) if i not in fitted]
    tests = rng.choice(rest, min(left_out, len(rest)), replace=False)
    return [as_architecture(space, pool[i]) for i in fitted], [as_architecture(space, pool[i]) for i in tests]
