"""The attacks of an evaluation and their options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dcanas.basics.errors import UserError, unknown
from dcanas.robustness.attack import attacks

_NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "fgsm": ("fgsm", {}),
    "pgd": ("pgd", {}),
    "apgd_ce": ("apgd", {"loss": "ce"}),
    "apgd_dlr": ("apgd", {"loss": "dlr"}),
    "apgd_t": ("apgd", {"loss": "targeted_dlr"}),
    "square": ("square", {}),
}
STANDARD = ("apgd_ce", "apgd_t", "square")  # AutoAttack's order (Croce & Hein, ICML 2020) without FAB-T: say so


@dataclass(frozen=True)
class AttackSpec:
    """One attack of an evaluation.

    Attributes:
        name: under which it is reported.
        attack: its name in the registry.
        options: its keyword arguments.
    """

    name: str
    attack: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def needs_gradients(self) -> bool:
        """Whether the attack differentiates the model."""
        return self.attack != "square"


def attack_spec(name: str, **options: Any) -> AttackSpec:
    """Return the specification of a named attack.

    Args:
        name: fgsm, pgd, apgd_ce, apgd_dlr, apgd_t or square.
        options: further keyword arguments of the attack.

    Raises:
        UserError: for other names.
    """
    if name not in _NAMED:
        raise unknown("attack", name, _NAMED)
    attack, settings = _NAMED[name]
    return AttackSpec(name, attack, {**settings, **options})


def read_suite(chosen: Iterable[str | AttackSpec]) -> tuple[AttackSpec, ...]:
    """Return the specifications of attacks given by name or as specifications.

    Raises:
        UserError: there is none, a name occurs twice, or an attack is unknown.
    """
    listed = [chosen] if isinstance(chosen, str) else chosen
    specs = tuple(attack_spec(c) if isinstance(c, str) else c for c in listed)
    if not specs:
        raise UserError(f"Robust accuracy needs at least one attack; known: {', '.join(_NAMED)}.")
    names = [s.name for s in specs]
    if len(set(names)) < len(names):
        raise UserError(f"Each attack needs a name of its own, got {', '.join(names)}.")
    for spec in specs:
        if spec.attack not in attacks:
            raise unknown("attack", spec.attack, attacks)
    return specs
