"""`search.rerank`: training-free scores vote on the pool and random members before the best are looked at closely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.machine import keep_freed_memory
from dcanas.commands.display import Bar
from dcanas.commands.scored import scoring
from dcanas.commands.session import Session
from dcanas.hardware import Device
from dcanas.proxies.table import stored_scorer, values_of
from dcanas.search.derive import Judge
from dcanas.search.pool import Candidate
from dcanas.search.rerank import reranked
from dcanas.search.study.settings import StudySettings
from dcanas.search.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture


def reranking(session: Session, device: Device, folder: Path, bar: Bar, judge: Judge | None) -> Judge | None:
    """Return a judge that first holds the vote that `search.rerank` names, or `judge` where it names nothing.

    Scores are stored in `folder` before they are used; without a judge the first of the order is chosen.
    """
    settings = session.settings.search
    if isinstance(settings, (ZeroShotSettings, StudySettings)) or not settings.rerank:
        return judge
    made = scoring(session, settings.rerank, settings.rerank_batch_size, "data", "default")

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
        told = {"reranked_by": list(settings.rerank), "scored": len(best)}
        if judge is None:
            return best[0].architecture, {"decided_by": "vote of training-free scores", **told}
        arch, why = judge(best)
        return arch, {**why, **told}

    return ordered
