"""The 15 common corruptions at 5 severities (Hendrycks & Dietterich, ICLR 2019)."""

from dcanas.robustness.corruptions import blur as _blur  # noqa: F401 (registers itself, as do the next three)
from dcanas.robustness.corruptions import digital as _digital  # noqa: F401
from dcanas.robustness.corruptions import noise as _noise  # noqa: F401
from dcanas.robustness.corruptions import weather as _weather  # noqa: F401
from dcanas.robustness.corruptions.apply import CorruptionAccuracy, corrupt, corruption_accuracy
from dcanas.robustness.corruptions.corruption import corruptions

__all__ = ["CorruptionAccuracy", "corrupt", "corruption_accuracy", "corruptions"]
