"""Derive: one architecture within the device's budget from the scores of the search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of
from dcanas.cli.display import Bar
from dcanas.hardware import Device
from dcanas.hardware.measuring.measured_members import measure_members
from dcanas.pipeline.predicting import asking, learnt_of
from dcanas.pipeline.session import LATENCIES, Session
from dcanas.pipeline.stages.evolving import evolved, inheritance
from dcanas.pipeline.stages.records import remembering
from dcanas.pipeline.stages.reranking import first_by_vote, reranking, votes
from dcanas.pipeline.stages.searching import run_search, search_folder
from dcanas.pipeline.stages.studying import best_kept, study_derived
from dcanas.pipeline.stages.zero_shot import zero_shot_derived
from dcanas.search import derive
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.derive import Derived, Selector
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.finalists import Verify, finalist_selector, short_training
from dcanas.search.gradient.gradient_settings import SearchSettings
from dcanas.search.pool import sizes_of
from dcanas.search.verified import derive_verified
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture
from dcanas.training import Progress


def derived_folder(session: Session, device: Device) -> Path:
    """Return where everything made for a device lies."""
    key = key_of(read_json(search_folder(session) / "key.json"), session.settings, device, session.dataset.fit_key,
                 session.dataset.test_key, *session.settings.train.files())
    return session.place(session.folder / "derived" / device.name, key)


def run_derive(session: Session, device: Device) -> dict[str, Any]:
    """Return `architecture.json` of the device, derived now or before."""
    found = run_search(session)
    folder = derived_folder(session, device)
    done = folder / "architecture.json"
    if done.exists():
        session.display.say(f"Derive for {device.name}: done before ({done})")
        return read_json(done)
    settings = session.settings
    with session.display.stage(f"Derive for {device.name}") as bar, session.interrupts.between_steps():
        judge = _judge(session, device, folder, bar) if settings.search.finalist_epochs else None
        if isinstance(settings.search, StudySettings):
            judge = judge or best_kept(session, _measure(session, device))
        judge = judge or (first_by_vote if votes(session) else None)
        if judge is not None:
            judge = remembering(session, device, folder, judge)
            judge = reranking(session, device, folder, bar, judge) if votes(session) else judge
        if isinstance(settings.search, ElasticSettings):
            derived = evolved(session, device, folder, bar, judge)
        elif isinstance(settings.search, ZeroShotSettings):
            derived = zero_shot_derived(session, device, found, judge, _measure(session, device))
        elif isinstance(settings.search, StudySettings):
            assert judge is not None
            derived = study_derived(session, device, found, judge)
        else:
            derived = _derived(session, device, found["scores"], judge)
    value = {"space": session.space.name, "architecture": session.space.format(derived.architecture),
             "skeleton": session.skeleton, "costs": derived.costs, "provenance": derived.provenance}
    write_json(done, value)
    session.display.say(f"  {value['architecture']}")
    return value


def _derived(session: Session, device: Device, scores: Sequence[Sequence[float]], judge: Selector | None) -> Derived:
    """Return what `derive` chooses; where a latency is learnt, what was picked, asked for and picked again."""
    settings, budget, costs = session.settings, session.budget(device), session.costs(device)
    assert isinstance(settings.search, SearchSettings)  # the other kind went its own way above
    shape, classes, pool = session.dataset.shape, len(session.dataset.classes), settings.search.pool
    predictor = learnt_of(costs)
    asked = asking(session, device) if predictor else None
    if predictor is None or asked is None:
        return derive(session.space, scores, budget, shape, classes, costs, device.dtype, pool, judge, settings.seed,
                      **session.skeleton)
    ask, source = asked
    derived, _ = derive_verified(session.space, scores, budget, predictor, lambda arch: ask([arch])[arch],
                                 input_shape=shape, num_classes=classes, costs=[c for c in costs if c is not predictor],
                                 dtype=device.dtype, pool_size=pool, judge=judge, seed=settings.seed, source=source,
                                 **session.skeleton)
    return derived


def _judge(session: Session, device: Device, folder: Path, bar: Bar) -> Selector:
    """Return the judge of the last few candidates: measured where limits ask for it, then trained a little."""
    settings = session.settings
    partial = folder / "finalists.json"  # examined before an interruption
    known = read_json(partial) if partial.exists() else {}

    def remember(text: str, examination: dict[str, Any]) -> None:
        write_json(partial, known)
        bar.update(len(known), settings.search.finalists, "finalists trained")

    def training(progress: Progress) -> None:
        bar.update(len(known) + progress.step / progress.steps, settings.search.finalists, "finalists trained")

    examine = short_training(session.space, session.dataset, settings.train, settings.search.finalist_epochs,
                             settings.seed, session.skeleton, session.compute, training,
                             should_stop=session.interrupts.should_stop, inherit=inheritance(session))
    voted = votes(session) or isinstance(settings.search, ZeroShotSettings)
    return finalist_selector(session.space, settings.search.finalists, sizes_of(session.costs(device)), examine,
                       _measure(session, device), known, remember, voted)


def _measure(session: Session, device: Device) -> Verify | None:
    """Return the check of measured limits on the exported, untrained network, where the budget has such limits."""
    budget = session.budget(device)
    learnt = not isinstance(session.settings.search, SearchSettings)  # that one asks again after each pick
    names = [name for name in LATENCIES if name in budget and (device.source(name) == "measured" or (
        learnt and device.source(name) == "predicted" and device.connection is not None))]
    if not names:
        return None

    def broken(arch: Architecture) -> list[str]:
        folder = session.folder / "latency" / device.name
        profile = measure_members(session.space, [arch], folder, device, session.dataset.shape,
                                  len(session.dataset.classes), seed=session.settings.seed, **session.skeleton)[arch]
        return [name for name in names if not budget.allows(name, profile.upper(name))]

    return broken
