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

__all__ = ["STANDARD", "AttackSpec", "MaskedGradientWarning", "RobustAccuracy", "ThreatModel", "apgd", "attack_spec",
           "attacks", "corrupt", "corruption_accuracy", "corruptions", "fgsm", "pgd", "robust_accuracy", "robust_curve",
           "square"]

__getattr__ = lazy(__name__, {
    "apgd": ["apgd"],
    "attack": ["attacks"],
    "corruptions.apply": ["corrupt", "corruption_accuracy"],
    "corruptions.corruption": ["corruptions"],
    "evaluate": ["RobustAccuracy", "robust_accuracy", "robust_curve"],
    "fgsm": ["fgsm"],
    "masking": ["MaskedGradientWarning"],
    "pgd": ["pgd"],
    "square": ["square"],
    "suite": ["STANDARD", "AttackSpec", "attack_spec"],
    "threat": ["ThreatModel"],
})
