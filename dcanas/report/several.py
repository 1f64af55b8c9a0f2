"""Several runs beside each other: what differs in their settings, how they are called, and the networks they made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcanas.basics.mapping import flattened
from dcanas.report.delivery import RIVAL, SEARCHED, delivery, recommended
from dcanas.report.html import setting_text
from dcanas.report.record import DeviceRecord, RunRecord
from dcanas.report.robustness import worst_case
from dcanas.report.words import either

FIRST = ("seed", "device", "budget.", "search.name", "space.name", "data.", "train.name", "pretrained.", "search.",
         "train.", "space.")  # of the settings that differ, those that name a run best
MOST = 3  # settings in a name
PLACES = ("run.", "data.root", "data.fingerprint")  # tell nothing about what was wanted


@dataclass(frozen=True)
class Network:
    """A network of one of several runs.

    Attributes:
        run: name of the run.
        name: "the searched network", or that of its rival.
        certificate: of the network.
        shipped: whether its run recommends it.
    """

    run: str
    record: RunRecord
    device: DeviceRecord
    which: str
    name: str
    certificate: Mapping[str, Any]
    shipped: bool

    @property
    def label(self) -> str:
        """Name of the run, with that of the network if it is not the searched one."""
        return self.run if self.which == SEARCHED else f"{self.run}, {self.name}"

    @property
    def accuracy(self) -> tuple[float, float, float]:
        """Test accuracy and the ends of its interval."""
        found = self.certificate["accuracy"]
        return found["value"], found["low"], found["high"]

    def cost(self, name: str) -> float | None:
        """Return a measured or counted cost, None if it is not known."""
        return next((row["measured"] for row in self.certificate["rows"] if row["name"] == name), None)

    @property
    def robust(self) -> float | None:
        """Share of the test images that withstand every attack, None if it was not attacked."""
        found = self.certificate.get("robustness")
        return worst_case(found[-1])["accuracy"] if found else None

    @property
    def met(self) -> bool:
        """Whether no limit is known to be broken."""
        return all(row["met"] is not False for row in self.certificate["rows"])


def differing(records: Sequence[RunRecord]) -> dict[str, list[str]]:
    """Return the settings in which runs differ: key -> value of each, as typed.

    A setting that some run does not have, as that of another kind of search, is left out.
    """
    flat = [dict(flattened(record.settings)) for record in records]
    common = [key for key in flat[0] if all(key in settings for settings in flat)]
    found = {key: [setting_text(settings[key]) for settings in flat] for key in common}
    budgets = dict.fromkeys(key for settings in flat for key in settings if key.startswith("budget."))
    found |= {key: [setting_text(settings.get(key, "none")) for settings in flat] for key in budgets}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def run_names(records: Sequence[RunRecord]) -> list[str]:
    """Return names of runs by the few settings in which they differ; by their directories if these do not tell them
    apart.
    """
    values = {key: texts for key, texts in differing(records).items() if not key.startswith(PLACES)}
    ordered = sorted(values, key=lambda key: next((i for i, head in enumerate(FIRST) if key.startswith(head)),
                                                  len(FIRST)))
    chosen: list[str] = []
    names = [""] * len(records)
    for key in ordered:
        longer = [", ".join(f"{each.removesuffix('.name')}={values[each][i]}" for each in (*chosen, key))
                  for i in range(len(records))]
        if len(chosen) < MOST and len(set(longer)) > len(set(names)):
            chosen, names = [*chosen, key], longer
    return names if len(set(names)) == len(names) else _paths(records)


def _paths(records: Sequence[RunRecord]) -> list[str]:
    """Return the shortest ends of the directories' paths that are all different."""
    paths = [record.folder.resolve() for record in records]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def networks(names: Sequence[str], records: Sequence[RunRecord]) -> list[Network]:
    """Return all networks with a certificate: of each run and device the searched one, and its rival if it has one."""
    found = []
    for name, record in zip(names, records, strict=True):
        for device in record.devices:
            searched = device["certificate"]
            if searched is None:
                continue
            run = f"{name}, {device.name}" if len(record.devices) > 1 else name
            for which in (SEARCHED, RIVAL) if device["rival"] else (SEARCHED,):
                one = delivery(record, device, which)
                assert one is not None  # it has a certificate
                rival = (searched.get("comparison") or {}).get("baseline", {}).get("name")
                found.append(Network(run, record, device, which, either(rival, which), one.certificate,
                                     which == recommended(searched)))
    return found


def minus(mine: Network, other: Network) -> tuple[float, float, float]:
    """Return the difference of two test accuracies and the ends of its 95 % interval.

    From the two intervals (Newcombe, Statistics in Medicine 1998, method 10); as both saw the same images, it is rather
    too wide.
    """
    (value, low, high), (theirs, their_low, their_high) = mine.accuracy, other.accuracy
    difference = value - theirs
    return (difference, difference - math.hypot(value - low, their_high - theirs),
            difference + math.hypot(high - value, theirs - their_low))
