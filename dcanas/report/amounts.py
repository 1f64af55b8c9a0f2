"""Numbers as text: one notation for the page, the terminal and the certificate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MINUS = "−"
DIGITS = 3  # significant ones, unless more are needed to tell a value from its limit or its rival
MOST_DIGITS = 9
DISTURBED = 3.0  # times the median: a 95th percentile beyond it is not the network's own doing
SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "ms": ((1e3, "s"), (1, "ms"), (1e-3, "µs"), (1e-6, "ns")),
    "mJ": ((1e3, "J"), (1, "mJ"), (1e-3, "µJ"), (1e-6, "nJ")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
    "MAC": ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")),
    "": ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")),
}


def amount(value: float | None) -> str:
    """Return a number as exact text without its unit, or a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def quantity(value: float | None, unit: str = "", beside: Iterable[float | None] = ()) -> str:
    """Return a number in SI units with three significant digits: "181 k", "42.8 µs", "1.35 MB"; a dash for None.

    Args:
        value: in `unit`.
        unit: "ms", "mJ", "B", "MAC" or "" for a count.
        beside: values that it stands beside, such as its limit; it gets as many digits as tell it from them.
    """
    if value is None:
        return "–"
    others = [other for other in beside if other is not None and other != value]
    for digits in range(DIGITS, MOST_DIGITS + 1):
        text = _scaled(value, unit, digits)
        if all(_scaled(other, unit, digits) != text for other in others):
            break
    return text


def share(value: float, digits: int = 1) -> str:
    """Return a share as per cent: "98.9 %"."""
    return f"{100 * value:.{digits}f} %"


def interval(low: float, high: float) -> str:
    """Return an interval of shares as per cent: "97.2 to 99.6 %"."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, with its sign: "+1.2", "−0.3"."""
    text = f"{100 * difference:+.1f}".replace("-", MINUS)
    return "0.0" if text.strip(f"+{MINUS}") == "0.0" else text


def duration(seconds: float) -> str:
    """Return seconds as text: "42 s", "3 min 5 s" or "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def latency_words(latency: Mapping[str, Any]) -> str:
    """Return a measured latency in words; latency: what `Profile.summary` returns."""
    low, high = latency["interval_ms"]
    return (f"median {quantity(latency['median_ms'], 'ms')} (95 % interval {quantity(low, 'ms')} to "
            f"{quantity(high, 'ms')}), 95th percentile {quantity(latency['p95_ms'], 'ms')}, {latency['n']:,} runs at "
            "batch 1")


def disturbance(latency: Mapping[str, Any]) -> str:
    """Return in words that something else slowed a measurement down; empty if nothing shows it.

    latency: what `Profile.summary` returns.
    """
    times = latency["p95_ms"] / latency["median_ms"]
    if times > DISTURBED:
        return f"the machine was busy, as one run in twenty took {times:.0f} times the median or longer"
    return "noisy, the certificate says why" if latency["remark"] else ""


def _scaled(value: float, unit: str, digits: int) -> str:
    numbers = [(float(f"{value / size:.{digits}g}"), size, name) for size, name in SCALES[unit]]
    number, size, name = next((each for each in numbers if abs(each[0]) >= 1), numbers[-1])
    if size == 1 and float(value).is_integer():
        return f"{value:.0f} {name}".strip()
    exact = f"{number:.{digits}g}" if abs(number) < 10**digits else f"{number:.0f}"
    return f"{exact} {name}".strip()
