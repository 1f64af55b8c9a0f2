"""Attacks, robust accuracy, common corruptions, and prediction of robustness from a feature array."""

from dcanas.robustness.apgd import apgd
from dcanas.robustness.attack import attacks
from dcanas.robustness.corruptions import corrupt, corruption_accuracy, corruptions
from dcanas.robustness.evaluate import RobustAccuracy, robust_accuracy, robust_curve
from dcanas.robustness.fgsm import fgsm
from dcanas.robustness.masking import MaskedGradientWarning
from dcanas.robustness.pgd import pgd
from dcanas.robustness.square import square
from dcanas.robustness.suite import STANDARD, AttackSpec, attack_spec
from dcanas.robustness.threat import ThreatModel

__all__ = ["STANDARD", "AttackSpec", "MaskedGradientWarning", "RobustAccuracy", "ThreatModel", "apgd", "attack_spec",
           "attacks", "corrupt", "corruption_accuracy", "corruptions", "fgsm", "pgd", "robust_accuracy",
           "robust_curve", "square"]
