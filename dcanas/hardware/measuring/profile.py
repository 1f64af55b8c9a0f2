"""The measured latency of one file on one device, with its conditions and confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcanas.basics.errors import UserError
from dcanas.hardware.devices.machine import throttling
from dcanas.hardware.measuring.statistics import median_interval, p95_upper

TOLERANCE = 0.05  # of the median: more between repeats, or to the interval's end, calls a machine noisy
LATENCIES = ("latency_ms", "latency_p95_ms")  # costs that a measurement yields


@dataclass(frozen=True)
class Profile:
    """A measured latency at batch 1.

    Attributes:
        model, sha256: label and checksum of the file.
        device: name of the device.
        median_ms: median of the block medians, in ms; interval_ms: its 95 % confidence interval.
        p95_ms: 95th percentile of all single runs, in ms; p95_upper_ms: the upper end of its 95 % interval.
        n: number of single runs.
        repeat_medians_ms: of two independent sessions, in ms; repeat_difference: between them, relative.
        noisy: the number is not repeatable within 5 %, or was not measured as long as planned; `remark` says why.
        conditions: runtime, threads, processor, load and more.
        samples_ns: every single run in ns. Shape: (rounds, repeats, runs).
    """

    model: str
    sha256: str
    device: str
    median_ms: float
    interval_ms: tuple[float, float]
    p95_ms: float
    p95_upper_ms: float
    n: int
    repeat_medians_ms: tuple[float, float]
    repeat_difference: float
    noisy: bool
    remark: str
    conditions: dict[str, Any] = field(hash=False)
    samples_ns: tuple[tuple[tuple[int, ...], ...], ...] = field(repr=False)

    def value(self, cost: str) -> float:
        """Return the measured `latency_ms` (the median) or `latency_p95_ms`, in ms."""
        return {"latency_ms": self.median_ms, "latency_p95_ms": self.p95_ms}[cost]

    def upper(self, cost: str) -> float:
        """Return the upper end of the 95 % confidence interval of `latency_ms` or `latency_p95_ms`, in ms."""
        return {"latency_ms": self.interval_ms[1], "latency_p95_ms": self.p95_upper_ms}[cost]

    def summary(self) -> dict[str, Any]:
        """Return the summary that a certificate shows, in ms."""
        return {"median_ms": self.median_ms, "interval_ms": list(self.interval_ms), "p95_ms": self.p95_ms, "n": self.n,
                "repeat_difference": self.repeat_difference, "remark": self.remark, "conditions": self.conditions}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Profile:
        """Return the profile that `dataclasses.asdict` made plain, with its statistics recomputed from the samples.

        Raises:
            UserError: the value is not a profile.
        """
        try:
            samples = np.array(value["samples_ns"], dtype=np.int64)
            return summarise(samples, str(value["model"]), str(value["sha256"]), str(value["device"]),
                             dict(value["conditions"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"This is not a stored latency profile ({error}); measure again.") from error


def summarise(samples_ns: NDArray[np.int64], model: str, sha256: str, device: str,
              conditions: dict[str, Any]) -> Profile:
    """Return the statistics of runs as a profile.

    Args:
        samples_ns: run times in ns, all positive. Shape: (rounds, 2, runs).
        model, sha256, device, conditions: see `Profile`.
    """
    if samples_ns.ndim != 3 or samples_ns.shape[1] != 2 or not samples_ns.size or samples_ns.min() <= 0:
        raise ValueError(f"samples must be positive nanoseconds (rounds, 2, runs), got {samples_ns.shape}")
    samples = samples_ns / 1e6
    blocks = np.median(samples, axis=2)
    median, (low, high) = float(np.median(blocks)), median_interval(blocks)
    first, second = (float(m) for m in np.median(blocks, axis=0))
    difference = abs(first - second) / min(first, second)
    width = max(high - median, median - low) / median
    reasons = []
    if difference > TOLERANCE:
        reasons.append(f"two independent repeats differ by {difference:.1%}")
    third = max(len(blocks) // 3, 1)
    drift = float(np.median(blocks[-third:]) / np.median(blocks[:third]) - 1)
    if abs(drift) > TOLERANCE:
        reasons.append(f"the last third of rounds was {abs(drift):.1%} {'slower' if drift > 0 else 'faster'} than the "
                       "first")
    if width > TOLERANCE:
        reasons.append(f"the 95 % interval reaches {width:.1%} from the median")
    remark = f"The machine was too noisy: {' and '.join(reasons)} (more than {TOLERANCE:.0%}); measure " \
             "again when nothing else runs." if reasons else ""
    planned = conditions.get("planned_rounds", 0)
    if len(samples) < planned:
        remark = f"Only {len(samples)} of {planned} rounds were measured within the {conditions['cap_s']:.3g} s that " \
                 f"measuring may take; allow more time. {remark}".strip()
    slowed = throttling(conditions)
    if slowed:
        remark = f"The machine was slowed down: {slowed}; cool it and measure again. {remark}".strip()
    return Profile(model, sha256, device, median, (low, high), float(np.percentile(samples, 95)),
                   p95_upper(samples), int(samples.size), (first, second), difference, bool(remark), remark,
                   conditions,
                   tuple(tuple(tuple(int(t) for t in block) for block in pair) for pair in samples_ns))
