"""Each table of names says of its members what they are, and lacks none."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

import pytest

from dcanas.basics.registry import Registry
from dcanas.hardware.devices.cost_sources import latency_sources
from dcanas.hardware.latency.source import LatencySource
from dcanas.proxies import Facts, Proxy, proxies
from dcanas.proxies.aggregates import AGGREGATES
from dcanas.proxies.proxy_registry import FACTS
from dcanas.robustness import attacks, corruptions
from dcanas.search.ask_tell.sampler_registry import samplers
from dcanas.search.ask_tell.samplers import Sampler
from dcanas.search.gradient.constraint_registry import constraints
from dcanas.search.gradient.constraints import Dual
from dcanas.search.gradient.strategies import strategies
from dcanas.search.gradient.strategies.strategy import Strategy
from dcanas.search.methods import SearchMethod
from dcanas.search.proposers import proposers
from dcanas.search.proposers.proposer import Proposer
from dcanas.search.searches import SETTINGS, searches, settings_class
from dcanas.spaces import Space, spaces
from dcanas.training import datasets


def modules(package: str) -> list:
    """Return the modules directly in a package, imported, but the one that holds the table."""
    return [import_module(f"{package}.{each.name}") for each in iter_modules(import_module(package).__path__)
            if not each.name.endswith("_registry")]


def members(package: str, belongs: Callable[[object], bool]) -> dict[str, object]:
    """Return what the modules of a package define and `belongs` to a family, by place."""
    return {f"{module.__name__}:{name}": found for module in modules(package) for name, found in vars(module).items()
            if not name.startswith("_") and getattr(found, "__module__", None) == module.__name__ and belongs(found)}


def subclasses_of(base: type) -> Callable[[object], bool]:
    return lambda found: isinstance(found, type) and base in found.__mro__ and not inspect.isabstract(found)


def functions_of(*first: str, returns: str) -> Callable[[object], bool]:
    """Return whether something is a function of these first parameters."""
    def belongs(found: object) -> bool:
        if not inspect.isfunction(found):
            return False
        signature = inspect.signature(found)
        return tuple(signature.parameters)[:len(first)] == first and signature.return_annotation == returns
    return belongs


def test_the_ways_to_vote_are_those_of_the_table():
    for name, (place, text) in AGGREGATES.table.items():
        assert AGGREGATES[name].__doc__.strip().partition("\n")[0] == text
        assert place == f"dcanas.proxies.rank_aggregation:{AGGREGATES[name].__name__}"


FAMILIES: dict[str, tuple[Registry, dict[str, object]]] = {
    "attacks": (attacks, members("dcanas.robustness", functions_of("model", "images", "labels", returns="Images"))),
    "constraints": (constraints, members("dcanas.search.gradient", subclasses_of(Dual))),
    "corruptions": (corruptions, members("dcanas.robustness.corruptions",
                                         functions_of("image", "severity", "rng", returns="np.ndarray"))),
    "data sets": (datasets, members("dcanas.training", functions_of("spec", "cache", returns="Dataset"))),
    "latency sources": (latency_sources, members("dcanas.hardware.latency", subclasses_of(LatencySource))),
    "proposers": (proposers, members("dcanas.search.proposers", subclasses_of(Proposer))),
    "proxies": (proxies, members("dcanas.proxies", lambda found: isinstance(found, Proxy))),
    "samplers": (samplers, members("dcanas.search.ask_tell", subclasses_of(Sampler))),
    "searches": (searches, {place: found for kind in ("ask_tell", "elastic", "gradient", "halving", "slices",
                                                      "zero_shot")
                            for place, found in members(f"dcanas.search.{kind}", subclasses_of(SearchMethod)).items()}),
    "spaces": (spaces, members("dcanas.spaces", subclasses_of(Space))),
    "strategies": (strategies, members("dcanas.search.gradient.strategies", subclasses_of(Strategy))),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_table_and_its_members_are_equal(name):
    registry, found = FAMILIES[name]
    assert {place for place, _ in registry.table.values()} == set(found)
    for member, (place, text) in registry.table.items():
        assert registry[member] is found[place]
        assert text == found[place].__doc__.strip().partition("\n")[0]
        assert getattr(found[place], "name", None) in (None, member)


def test_the_facts_of_a_proxy_are_those_it_was_made_with():
    for name, facts in FACTS.items():
        assert Facts(**{field: getattr(proxies[name], field) for field in vars(facts)}) == facts


def test_every_search_has_settings_of_its_name():
    assert list(SETTINGS) == list(searches.table)
    assert [settings_class(name)().name for name in SETTINGS] == list(SETTINGS)
