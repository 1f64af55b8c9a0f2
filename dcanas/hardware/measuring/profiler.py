"""The latency of ONNX files, measured with ONNX Runtime on the device: this machine, or a board over SSH.

The protocol is that of `export/worker.py`. A file whose result is noisy is measured further, up to four times as long
and within the time that measuring may take (`cap_s`). After a lost connection a board is measured again from the start:
nothing of an interrupted measurement is used. A board that was throttled is left to cool and measured once more; if it
is throttled again, the profile says so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dcanas.basics.errors import UserError
from dcanas.hardware.devices.device import Device
from dcanas.hardware.devices.machine import during, throttling
from dcanas.hardware.measuring.profile import Profile, summarise
from dcanas.hardware.transport.benches import Bench, bench
from dcanas.hardware.transport.board import BoardLostError

EXTENSIONS = 3  # further measurements of a noisy file, each as long as the first
ATTEMPTS = 3  # of a board whose connection is lost
PAUSE_S = 2.0  # before another attempt, doubled each time
COOLING_S = 60.0
PROTOCOL = 2  # goes up whenever numbers measured before and after a change must not be mixed


def profile_onnx(files: Mapping[str, Path], device: Device, seconds: float = 2.5, seed: int = 0,
                 cap_s: float | None = None) -> dict[str, Profile]:
    """Measure files side by side under the same circumstances.

    Args:
        files: label -> path.
        seconds: of counted runs per file; more if a network is so slow that 12 rounds take longer.
        seed: of the input image and of the order of visits.
        cap_s: the longest time that measuring may take, in seconds, all files together, without warming up; None: a
            minute, or twice what is planned if that is longer. Three rounds are always made; a file that was not
            measured as planned is called noisy.

    Returns:
        Label -> profile.

    Raises:
        UserError: a file, the device's provider or the board cannot be used, or a run fails.
    """
    if not seconds > 0:
        raise UserError(f"The time to measure must be positive seconds, got {seconds}.")
    if cap_s is not None and not cap_s > 0:
        raise UserError(f"The longest time to measure must be positive seconds, got {cap_s}.")
    profiles = _attempted(files, device, seconds, seed, cap_s)
    if device.connection != "local" and any(throttling(p.conditions) for p in profiles.values()):
        time.sleep(COOLING_S)
        profiles = _attempted(files, device, seconds, seed, cap_s)
    return profiles


def _attempted(files: Mapping[str, Path], device: Device, seconds: float, seed: int,
               cap_s: float | None) -> dict[str, Profile]:
    """Measure, and start again if a board is lost meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with bench(files, device, seconds, seed, cap_s) as opened:
                return measured(opened, device, list(files), {"seconds": seconds, "seed": seed, "attempts": attempt})
        except BoardLostError as lost:
            if attempt == ATTEMPTS:
                raise UserError(f"Lost contact with device {device.name} {ATTEMPTS} times during measurement; last "
                                f"error: {lost}; fix the connection and run the command again.") from lost
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
    raise AssertionError("unreachable")


def measured(opened: Bench, device: Device, labels: list[str], settings: dict[str, Any]) -> dict[str, Profile]:
    """Return the profile of every file, the noisy ones measured further.

    Args:
        settings: of the measurement, for the conditions.
    """
    samples: dict[str, list[Any]] = {label: [] for label in labels}
    states: list[dict[str, Any]] = []
    profiles: dict[str, Profile] = {}
    left_s = float("inf")
    for _ in range(1 + EXTENSIONS):
        wanted = [label for label in labels if label not in profiles or profiles[label].noisy]
        if not wanted or left_s <= 0:
            break
        found = opened.measure(wanted)
        states += found["states"]
        left_s = found["left_s"]
        for label in wanted:
            samples[label].append(found["samples"][label])
            fact = found["facts"][label]
            machine = {key: value for key, value in opened.machine.items() if key != "providers"}
            circumstances = {
                **machine, "provider": device.provider, "threads": device.threads, "inter_op_threads": 1,
                "spinning": True, "batch": fact["input_shape"][0], "input_shape": fact["input_shape"],
                "place": device.place, **during(states), **settings, "protocol": PROTOCOL, "cap_s": fact["cap_s"],
                "runs_per_block": fact["runs"], "planned_rounds": fact["rounds"],
                "rounds": sum(map(len, samples[label])), "extended": len(samples[label]) > 1,
                "warm_up": fact["warm_up"]}
            profiles[label] = summarise(np.concatenate(samples[label]), label, fact["sha256"], device.name,
                                        circumstances)
    return profiles
