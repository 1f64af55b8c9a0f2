"""`search.rerank`: training-free scores vote on the pool and random members before the best are looked at closely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.machine import keep_freed_memory
from dcanas.cli.display import Bar
from dcanas.hardware import Device
from dcanas.pipeline.scored import scoring
from dcanas.pipeline.session import Session
from dcanas.proxies.table import stored_scorer, values_of
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.derive import Selector
from dcanas.search.pool import Candidate, sizes_of
from dcanas.search.rerank import AGAIN, reranked, voted_again
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture


def votes(session: Session) -> bool:
    """Return whether the search puts its candidates to a vote."""
    settings = session.settings.search
    return not isinstance(settings, (ZeroShotSettings, StudySettings)) and bool(settings.rerank)


def first_by_vote(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
    """Choose as the vote does, where no finalists are trained."""
    return pool[0].architecture, {"decided_by": "vote of training-free scores"}


def reranking(session: Session, device: Device, folder: Path, bar: Bar, judge: Selector) -> Selector:
    """Return a judge that holds the vote and hands its order to `judge`; scores are stored before they are used."""
    settings = session.settings.search
    assert not isinstance(settings, (ZeroShotSettings, StudySettings))  # these have votes of their own, or none
    made, made_again = (scoring(session, names, settings.rerank_batch_size, "data", "default")
                        for names in (settings.rerank, settings.rerank_again))

    def stop() -> None:
        if session.interrupts.should_stop():
            raise Stopped("stopped while the pool was scored")

    def ordered(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        keep_freed_memory()
        row_of = stored_scorer(made, folder / "rerank.jsonl", stop)
        wanted = max(settings.rerank_evaluations, len(pool))
        best = reranked(session.space, session.budget(device), session.costs(device), pool,
                        lambda arch: values_of(row_of(arch)), settings.rerank, wanted, session.settings.seed,
                        lambda done, arch: bar.update(done, wanted, "candidates scored"))
        voters = {"reranked_by": list(settings.rerank), "scored": len(best)}
        if settings.rerank_again:
            row_again = stored_scorer(made_again, folder / "rerank_again.jsonl", stop)
            sizes = sizes_of(session.costs(device))
            most = min(AGAIN + len(sizes), len(best))
            best = voted_again(session.space, best, lambda arch: values_of(row_again(arch)), settings.rerank_again,
                               sizes, lambda done, arch: bar.update(done, most, "best scored again"))
            voters["voted_again_by"] = list(settings.rerank_again)
        arch, why = judge(best)
        return arch, {**why, **voters}

    return ordered
