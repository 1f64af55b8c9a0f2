"""The difference in accuracy between the searched network and its rival, as the judgement on both states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcanas.report.amounts import points
from dcanas.report.words import cost_words, value_words


@dataclass(frozen=True)
class Difference:
    """The accuracy of one network minus that of another on validation images.

    Attributes:
        value: from -1 to 1.
        low, high: ends of its interval; None if an older version judged without one.
        shown: whether the interval leaves out 0.
        images: on what both were judged, and what the interval is, in words.
    """

    value: float
    low: float | None
    high: float | None
    shown: bool
    images: str

    def turned(self) -> Difference:
        """Return the difference of the other network minus this one."""
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return Difference(-self.value, low, high, self.shown, self.images)

    @property
    def words(self) -> str:
        """The difference with its interval: "+1.2 points (+0.3 to +2.1)"."""
        return f"{points(self.value)} points{f' ({self.ends})' if self.ends else ''}"

    @property
    def ends(self) -> str:
        """The ends of the interval: "+0.3 to +2.1"; empty if there is none."""
        return "" if self.low is None or self.high is None else f"{points(self.low)} to {points(self.high)}"

    @property
    def behind(self) -> str:
        """What stands behind the difference: "+0.3 to +2.1 on 289 validation images, 95 % interval"."""
        return f"{self.ends} {self.images}".strip()


def difference(comparison: Mapping[str, Any]) -> Difference:
    """Return the difference, searched minus rival; comparison: that of a certificate."""
    if "paired" in comparison:
        found = comparison["paired"]
        return Difference(found["difference"], found["low"], found["high"], found["shown"],
                          f"on {found['n']:,} validation images, 95 % interval")
    if "splits" in comparison:
        found = comparison["splits"]
        middle, error = found["difference"], found["standard_error"]
        return Difference(middle, middle - error, middle + error, found["shown"],
                          f"over {len(found['searched'])} fresh splits, mean ± standard error")
    both = comparison["validation_accuracy"]
    return Difference(both["searched"] - both["baseline"], None, None, True, "on the validation images")


def cheaper_words(comparison: Mapping[str, Any], which: str) -> str:
    """Return by which cost a network was chosen where no difference was shown: "less latency, 1.5 ms against 2 ms".

    which: the network that was chosen.
    """
    cost = (comparison.get("paired") or comparison.get("splits") or {}).get("cost")
    if cost is None:
        return "no cost is known of both"
    mine, other = cost["searched"], cost["baseline"]
    if which != "searched":
        mine, other = other, mine
    name = cost["name"]
    if mine == other:
        return f"the same {cost_words(name)}, {value_words(name, mine)}"
    word = "fewer" if name in ("params", "macs") else "less"
    return f"{word if mine < other else 'more'} {cost_words(name)}, {value_words(name, mine, [other])} against " \
           f"{value_words(name, other, [mine])}"
