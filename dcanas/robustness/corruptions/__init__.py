"""The 15 common corruptions at 5 severities (Hendrycks & Dietterich, ICLR 2019)."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.robustness.corruptions.apply import CorruptionAccuracy, corrupt, corruption_accuracy
    from dcanas.robustness.corruptions.corruption import corruptions

__all__ = ["CorruptionAccuracy", "corrupt", "corruption_accuracy", "corruptions"]

__getattr__ = lazy(__name__, {
    "apply": ["CorruptionAccuracy", "corrupt", "corruption_accuracy"],
    "corruption": ["corruptions"],
})
