"""Names of costs and their values, in the words of the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dcanas.costs import cost_unit
from dcanas.report.amounts import quantity, share

COSTS = {"params": "parameters", "macs": "MACs", "peak_bytes": "peak memory", "weight_bytes": "weights",
         "latency_ms": "latency", "latency_p95_ms": "95th percentile of latency", "energy_mj": "energy",
         "robust_accuracy_min": "robust accuracy", "ram_bytes": "RAM", "flash_bytes": "flash"}


def cost_words(name: str) -> str:
    """Return a cost in words: "latency"; of a named device "latency on raspi4"."""
    device, _, bare = name.rpartition(".")
    words = COSTS.get(bare, bare)
    return f"{words} on {device}" if device else words


def value_words(name: str, value: float | None, beside: Iterable[float | None] = ()) -> str:
    """Return the value of a cost with its unit, with as many digits as tell it from the values that it stands beside.
    """
    if value is not None and name.rpartition(".")[2].endswith("accuracy_min"):
        return share(value)
    return quantity(value, cost_unit(name), beside)


def limit_words(name: str, limit: float) -> str:
    """Return a limit in words: "latency at most 8 ms", "robust accuracy at least 40.0 %"."""
    least = name.rpartition(".")[2].endswith("_min")
    return f"{cost_words(name)} at {'least' if least else 'most'} {value_words(name, limit)}"


def decisive(row: Mapping[str, Any]) -> float | None:
    """Return the number that is compared with the limit of a row: the upper end, or the lower one for a lower limit."""
    return row["lower"] if row["name"].endswith("_min") else row["upper"]


def row_words(row: Mapping[str, Any]) -> str:
    """Return a row of a certificate with its limit: "parameters 170 k of 181 k"; of a measurement the end of its
    interval: "latency up to 7.61 ms of 8 ms".
    """
    name, value, limit = row["name"], decisive(row), row["limit"]
    least, measured = name.endswith("_min"), row["source"] == "measured" and value is not None
    end = ("down to " if least else "up to ") if measured else ""
    known = "not known" if value is None else f"{end}{value_words(name, value, (limit,))}"
    return f"{cost_words(name)} {known}{', wanted at least' if least else ' of'} {value_words(name, limit, (value,))}"


def either(name: str | None, which: str) -> str:
    """Return how a network is called in a sentence; name: of the rival."""
    return "the searched network" if which == "searched" or name is None else name


def listed(words: Iterable[str]) -> str:
    """Return words as a list: "a", "a and b", "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
