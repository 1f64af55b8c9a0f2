"""The limits to search under by a look-up graph, built by searches in processes of their own (search.constraint)."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

from dcanas.basics.machine import usable_cores
from dcanas.costs import Budget
from dcanas.pipeline.session import Session
from dcanas.search import derive, search
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.gradient.lookup_graph import FACTORS, Point, build, over_limits, tightened

GRAPH = "lookup_graph.json"  # in the folder of the search


def searched_under(session: Session, folder: Path, budget: Budget) -> Budget:
    """Return the limits the search is to keep so that what is derived keeps `budget`; the graph is built or read."""
    if not budget:
        return budget
    workers = min(len(FACTORS), usable_cores())
    return tightened(build(partial(search_under, session.command), folder / GRAPH, workers=workers), budget)


def tell_graph(session: Session, folder: Path, budget: Budget) -> None:
    """Build the graph where it is missing, and say what it asks of the search."""
    if not (folder / GRAPH).exists():
        session.display.say(f"  look-up graph: {len(FACTORS)} searches under {FACTORS[0]:g} to {FACTORS[-1]:g} of the "
                            "limits")
    found = searched_under(session, folder, budget)
    told = ", ".join(f"{name} {found[name] / limit:.2f}" for name, limit in budget.items())
    session.display.say(f"  the search keeps these shares of the limits: {told} ({folder / GRAPH})")


def search_under(command: str, factor: float) -> Point:
    """Search under the limits times `factor`, in a process of its own, and return what is derived without any limit."""
    from dcanas.cli.configure import configure
    from dcanas.pipeline.stages.searching import search_limits

    settings, options = configure(shlex.split(command)[2:])
    session = Session(settings, replace(options, progress="none", threads=1), command)
    assert isinstance(settings.search, SearchSettings)
    budget, costs = search_limits(session)
    scaled = Budget({name: factor * limit for name, limit in budget.items()})
    result = search(session.space, session.dataset, scaled, costs, settings.search, settings.train, settings.seed, None,
                    settings.space.search_skeleton, settings.data.split_seed, session.compute)
    derived = derive(session.space, result.scores, Budget(), session.dataset.shape, len(session.dataset.classes),
                     **session.skeleton)
    return over_limits(costs, budget, derived.architecture)

