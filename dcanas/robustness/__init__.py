"""Attacks, robust accuracy and common corruptions."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.robustness.apgd import apgd
    from dcanas.robustness.attack import attacks
    from dcanas.robustness.corruptions.apply import corrupt, corruption_accuracy
    from dcanas.robustness.corruptions.corruption import corruptions
    from dcanas.robustness.evaluate import RobustAccuracy, robust_accuracy, robust_curve
    from dcanas.robustness.fgsm import fgsm
    from dcanas.robustness.masking import MaskedGradientWarning
    from dcanas.robustness.pgd import pgd
    from dcanas.robustness.square import square
    from dcanas.robustness.suite import STANDARD, AttackSpec, attack_spec
    from dcanas.robustness.threat import ThreatModel

__getattr__ = lazy(__name__)
