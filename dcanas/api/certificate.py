"""The certificate as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dcanas.report.words import decisive


@dataclass(frozen=True)
class Row:
    """One cost of the delivered network.

    Attributes:
        unit: of all numbers; empty for counts.
        limit: None if there is none.
        predicted: before training; None if nothing predicts it.
        measured: of the delivered file; None if it is not known.
        decisive: the number that is held against the limit: a count, or the end of the measurement's 95 % interval
            that is nearer to the limit.
        source: where it comes from: counted, measured, looked up or predicted.
        met: whether the limit is kept; "unverified" if no source that may decide has a number.
    """

    name: str
    unit: str
    limit: float | None
    predicted: float | None
    measured: float | None
    decisive: float | None
    source: str
    met: bool | Literal["unverified"]


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of the delivered file on images that decided nothing.

    Attributes:
        value: share of correct predictions, in [0, 1].
        low, high: ends of its 95 % interval (Wilson).
        correct: number of correct predictions among `n` images.
        split: the images' split, "test".
    """

    value: float
    low: float
    high: float
    correct: int
    n: int
    split: str


@dataclass(frozen=True)
class Certificate:
    """What was promised, predicted and measured.

    Attributes:
        architecture: in the notation of `space`.
        skeleton: sizes of the network around it.
        budget: the limits, by cost, in base units.
        rows: one per cost.
        sha256: of the delivered ONNX file.
        content: all of `certificate.json`, robustness and comparison included if they were asked for.
    """

    device: str
    space: str
    architecture: str
    skeleton: Mapping[str, Any]
    budget: Mapping[str, float]
    rows: tuple[Row, ...]
    accuracy: Accuracy
    sha256: str
    content: Mapping[str, Any] = field(repr=False)

    @property
    def met(self) -> bool:
        """Whether every limit is shown to be kept."""
        return all(row.met is True for row in self.rows)

    def __getitem__(self, cost: str) -> Row:
        """Return the row of a cost; raises `KeyError`."""
        return {row.name: row for row in self.rows}[cost]


def typed_certificate(content: Mapping[str, Any]) -> Certificate:
    """Return the content of a `certificate.json` as typed values."""
    rows = tuple(Row(row["name"], row["unit"], row["limit"], row["predicted"], row["measured"], decisive(row),
                     row["source"], row["met"]) for row in content["rows"])
    accuracy = content["accuracy"]
    known = Accuracy(accuracy["value"], accuracy["low"], accuracy["high"], accuracy["correct"], accuracy["n"],
                     accuracy["split"])
    return Certificate(content["device"], content["space"], content["architecture"], content["skeleton"],
                       content["budget"], rows, known, content["sha256"], content)
