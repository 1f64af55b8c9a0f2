"""The threat model of an evaluation: attacks, sizes of the perturbation and norm."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dcanas.basics.errors import UserError, unknown
from dcanas.robustness.suite import AttackSpec, read_suite

NORMS = ("linf", "l2")
LEAST_255 = 0.1  # less than that changes no 8-bit image, and is a number in [0, 1] units by mistake


@dataclass(frozen=True)
class ThreatModel:
    """The attacker that an evaluation of robustness assumes.

    Attributes:
        attacks: names, in order; empty for those that fit the number of classes.
        eps_255: sizes of the perturbation in 1/255 of `norm` ([0, 1] units times 255).
        norm: "linf" or "l2".
        images: largest number of images of a split, class-balanced; None: all.

    Raises:
        UserError: a value is out of range.
    """

    attacks: tuple[str, ...]
    eps_255: tuple[float, ...]
    norm: str
    images: int | None

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise unknown("norm", self.norm, NORMS)
        if self.attacks:
            read_suite(self.attacks)
        if not self.eps_255:
            raise UserError("eps_255 must name at least one size in 1/255, such as 8 or [2,8].")
        for size in self.eps_255:
            if not math.isfinite(size) or size < 0:
                raise UserError(f"eps_255 must not be negative or infinite, got {size:g}; 0 means no change at all.")
            if 0 < size < LEAST_255:
                raise UserError(f"eps_255={size:g} counts in 1/255 and would change no 8-bit image; if it is meant "
                                f"in [0, 1] units, give eps_255={255 * size:g}.")
            if self.norm == "linf" and size > 255:
                raise UserError(f"eps_255={size:g} is more than a pixel can change (255 in linf); give a smaller one.")

    @property
    def sizes(self) -> tuple[float, ...]:
        """The sizes in [0, 1] units, smallest first."""
        return tuple(sorted(size / 255 for size in set(self.eps_255)))

    def suite(self, classes: int) -> tuple[AttackSpec, ...]:
        """Return the named attacks; by default one step, many steps, and AutoAttack's without FAB-T.

        Args:
            classes: number of classes, which decides the losses that APGD can use.
        """
        last = ("apgd_t",) if classes > 3 else ("apgd_dlr",) if classes == 3 else ()
        return read_suite(self.attacks or ("fgsm", "pgd", "apgd_ce", *last, "square"))
