"""Derive from an elastic supernet: evolution among the members within the device's budget, then short training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.files import read_json, write_json
from dcanas.cli.display import Bar
from dcanas.costs.feasibility import select_costs
from dcanas.hardware import Device
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.searching import search_folder
from dcanas.pipeline.stages.supernets import load_supernet
from dcanas.search.derive import Derived, Selector
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.evolution import evolve
from dcanas.search.elastic.inherited import inherited_accuracy
from dcanas.search.pool import Candidate
from dcanas.spaces import Architecture


def evolved(session: Session, device: Device, folder: Path, bar: Bar, judge: Selector | None) -> Derived:
    """Return the best member within the device's budget; every judgement is stored in `folder` before it is used.

    judge: chooses among all members that the evolution met; without one the best inherited accuracy decides.
    """
    settings, budget, costs = session.settings.search, session.budget(device), session.costs(device)
    assert isinstance(settings, ElasticSettings)
    supernet = load_supernet(session, search_folder(session))
    accuracy = inherited_accuracy(supernet, session.dataset, settings.recalibration_images, session.settings.seed,
                                  session.compute)
    partial = folder / "evaluations.json"
    known = read_json(partial) if partial.exists() else {}

    def evaluate(arch: Architecture) -> dict[str, Any]:
        if session.interrupts.should_stop():
            raise Stopped(f"stopped after {len(known)} of {settings.evaluations} members")
        return accuracy(arch)

    def remember(text: str, evaluation: dict[str, Any]) -> None:
        write_json(partial, known)
        bar.update(len(known), settings.evaluations, "members judged")

    met = evolve(session.space, select_costs(costs, budget), budget, evaluate, settings.evaluations,
                 settings.population, settings.tournament, session.settings.seed, known, remember)
    best = max(met, key=lambda e: e.fitness)
    provenance: dict[str, Any] = {"method": "ageing evolution over an elastic supernet", "pool": len(met),
                                  "best_inherited": {"architecture": session.space.format(best.architecture),
                                                     **best.evaluation}}
    if judge is None:
        arch, why = best.architecture, {"decided_by": "inherited accuracy on the validation split"}
    else:
        arch, why = judge([Candidate(e.architecture, e.fitness[0], "evolution") for e in met])
    told = {c.name: {"value": c.value(arch), "upper": c.upper(arch), "unit": c.unit, "source": c.source} for c in costs}
    return Derived(arch, told, provenance | why)


def inheritance(session: Session) -> Callable[[nn.Module], None]:
    """Return what gives a member's network its first weights: the supernet's, or nothing where none are inherited."""

    def inherit(network: nn.Module) -> None:
        settings = session.settings.search
        if isinstance(settings, ElasticSettings) and settings.inherit:
            load_supernet(session, search_folder(session)).bequeath(network)

    return inherit
