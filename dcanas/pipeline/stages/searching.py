"""Search: a supernet and its alphas under the limits of all devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of
from dcanas.costs import Budget, CostModel
from dcanas.costs.feasibility import select_costs
from dcanas.pipeline.crew import call, ranks
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.lookup import searched_under, tell_graph
from dcanas.pipeline.stages.studying import run_study
from dcanas.pipeline.stages.supernets import run_supernet, supernet_folder
from dcanas.pipeline.stages.zero_shot import run_zero_shot, zero_shot_key
from dcanas.search import SearchResult, search
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.gradient.differentiable import SearchProgress
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.gradient.step_memory import Memory, free_bytes
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings


def search_folder(session: Session) -> Path:
    """Return where this run's search lies."""
    folder = session.folder / "search"
    if isinstance(session.settings.search, ElasticSettings):
        return supernet_folder(session, folder)
    if session.source is not None and ((folder / "scores.json").exists() or (folder / "study.json").exists()):
        return folder  # taken over: its key is that of the run it was made in
    settings = session.settings
    if isinstance(settings.search, ZeroShotSettings):
        return session.place(folder, zero_shot_key(session))
    budget, _ = search_limits(session)
    key = key_of(settings.space, settings.search, settings.train, settings.seed, settings.data.split_seed,
                 session.dataset.fit_key, dict(budget), *([str(session.source)] if session.source else []))
    return session.place(folder, key)


def run_search(session: Session) -> dict[str, Any]:
    """Return alphas, scores and history, searched now or before; of an elastic supernet its history, of a zero-shot
    search all scored networks, of a study its trials."""
    folder = search_folder(session)
    if isinstance(session.settings.search, ElasticSettings):
        return run_supernet(session, folder)
    if isinstance(session.settings.search, ZeroShotSettings):
        return run_zero_shot(session, folder)
    if isinstance(session.settings.search, StudySettings):
        return run_study(session, folder, *search_limits(session))
    done = folder / "scores.json"
    if done.exists():
        session.display.say(f"Search: done before ({done})")
        return read_json(done)
    settings = session.settings.search
    assert isinstance(settings, SearchSettings)  # the other kind went its own way above
    start = session.source / "search" if session.source is not None else None
    if start is not None:
        session.display.say(f"Search: goes on from the supernet in {start}")
    with session.display.stage("Search") as bar, session.interrupts.between_steps():

        def on_step(progress: SearchProgress) -> None:
            bar.update(progress.step, progress.steps, f"epoch {progress.epoch}, loss {progress.loss:.3f}")
            if progress.row:
                session.log.write(folder.name, progress.step, progress.row)

        if settings.constraint == "lookup_graph":  # before the others ask for it
            tell_graph(session, folder, search_limits(session)[0])
        call("search", session.command, folder, start)
        result = take_part(session, folder, start, on_step, lambda memory: _tell_memory(session, memory))
    found = {"alphas": result.alphas, "scores": result.scores, "history": result.history,
             "budget": dict(search_limits(session)[0])}
    write_json(done, found)
    return found


def take_part(session: Session, folder: Path, start: Path | None,
              on_step: Callable[[SearchProgress], None] = lambda progress: None,
              on_memory: Callable[[Memory], None] = lambda memory: None) -> SearchResult:
    """Search, together with the other ranks if there are some; start: a finished search to go on from, or None."""
    settings = session.settings
    assert isinstance(settings.search, SearchSettings)  # an elastic search goes its own way
    budget, costs = search_limits(session)
    if settings.search.constraint == "lookup_graph":
        budget = searched_under(session, folder, budget)
    how = settings.search if start is None else settings.search.continued()
    return search(session.space, session.dataset, budget, costs, how, settings.train, settings.seed, folder,
                  settings.space.search_skeleton, settings.data.split_seed, session.compute, on_step,
                  session.interrupts.should_stop, start, on_memory, ranks())


def _tell_memory(session: Session, memory: Memory) -> None:
    assert isinstance(session.settings.search, SearchSettings)
    batch = session.settings.search.batch_size
    session.display.say(f"  a step of {batch} images takes about {memory.of(batch) / 2**20:,.0f} MiB beside what is "
                        f"loaded; {free_bytes(session.compute) / 2**20:,.0f} MiB are free")


def search_limits(session: Session) -> tuple[Budget, list[CostModel]]:
    """Return the limits of all devices at once: of counted costs the tightest, of measured ones each device's own."""
    limits: dict[str, float] = {}
    models: dict[str, CostModel] = {}
    for device in session.devices:
        budget = session.budget(device)
        for cost in select_costs(session.costs(device), budget):
            shared = len(session.devices) == 1 or cost.source == "counted"
            name = cost.name if shared else f"{device.name}.{cost.name}"
            if budget[cost.name] < limits.get(name, float("inf")):
                limits[name] = budget[cost.name]
                models[name] = cost if shared else replace(cost, name=name)  # type: ignore[type-var]
    return Budget(limits), [models[name] for name in limits]
