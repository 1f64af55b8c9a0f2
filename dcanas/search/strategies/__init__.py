"""How alphas become mixing weights: one small file per strategy, found by name."""

from dcanas.search.strategies.dirichlet import dirichlet as _dirichlet  # noqa: F401 (registers itself)
from dcanas.search.strategies.gumbel import gumbel as _gumbel  # noqa: F401 (registers itself)
from dcanas.search.strategies.single_path import single_path as _single_path  # noqa: F401 (registers itself)
from dcanas.search.strategies.softmax import softmax as _softmax  # noqa: F401 (registers itself)
from dcanas.search.strategies.strategy import Mixture, Strategy, strategies

__all__ = ["Mixture", "Strategy", "strategies"]
