"""Settings of the successive halving."""

from __future__ import annotations

from dataclasses import dataclass

from dcanas.basics.fields import Checked, choice, number


@dataclass(frozen=True)
class HalvingSettings(Checked):
    """Successive halving of real fine-tunings (configuration group `search`).

    Raises `UserError` naming the setting, what is allowed and the value.
    """

    group = "search"
    candidates: int = number(8, 1, 1000, "parts of the pretrained network that are fine-tuned at first; those "
                                         "cut after a whole stage, at most five, always are")
    first_epochs: int = number(4, 1, 100_000, "epochs after which the first half is dropped; the others train twice as "
                                              "long, and so on, two of them to the recipe's end")
    keep: float = number(0.5, 0.05, 0.95, "share of the candidates that is trained further")
    name: str = choice("halving", ("halving",), "kind of search")
