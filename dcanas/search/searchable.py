"""Which searches can search which spaces."""

from __future__ import annotations

from typing import Any

from dcanas.basics.errors import UserError
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.gradient.strategies import strategies
from dcanas.spaces import Space


def check_searchable(space: Space, settings: Any) -> None:
    """Raise `UserError` where the space has not the supernet that the search trains, or slots its strategy cannot."""
    if isinstance(settings, ElasticSettings):
        space.extremes()
    elif isinstance(settings, SearchSettings) and type(space).assemble is Space.assemble:
        remedy = "use search=elastic" if space.elastic else "choose another space"
        raise UserError(f"Space {space.name} has no supernet that mixes candidates by slot, which "
                        f"search={settings.name} trains; {remedy}.")
    elif isinstance(settings, SearchSettings):
        strategies[settings.strategy](space, settings)
