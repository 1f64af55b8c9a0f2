"""How alphas become mixing weights: one small file per strategy, found by name."""

from dcanas.search.gradient.strategies.dirichlet import dirichlet as _dirichlet  # noqa: F401 (registers itself)
from dcanas.search.gradient.strategies.gumbel import gumbel as _gumbel  # noqa: F401 (registers itself)
from dcanas.search.gradient.strategies.single_path import single_path as _single_path  # noqa: F401 (registers itself)
from dcanas.search.gradient.strategies.softmax import softmax as _softmax  # noqa: F401 (registers itself)
from dcanas.search.gradient.strategies.strategy import Mixture, Strategy, strategies

__all__ = ["Mixture", "Strategy", "strategies"]
