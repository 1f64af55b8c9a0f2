"""Strategies that search a space under a budget, and the choice of one architecture within it."""

from typing import TYPE_CHECKING

from dcanas.basics.lazy import lazy

if TYPE_CHECKING:
    from dcanas.search.derive import Derived, derive
    from dcanas.search.gradient.differentiable import SearchResult, search
    from dcanas.search.gradient.gradient_settings import SearchSettings

__getattr__ = lazy(__name__)
