"""`search.rerank`: training-free scores order the pool before its best are looked at more closely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import Stopped
from dcanas.commands.display import Bar
from dcanas.commands.scored import scoring
from dcanas.commands.session import Session
from dcanas.proxies.table import Row, stored_scorer, values_of
from dcanas.search.derive import Judge
from dcanas.search.pool import Candidate
from dcanas.search.rerank import reranked
from dcanas.search.study.settings import StudySettings
from dcanas.search.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture


def reranking(session: Session, folder: Path, bar: Bar, judge: Judge | None) -> Judge | None:
    """Return a judge that first orders the pool by the scores that `search.rerank` names, or `judge` where none are.

    Scores are stored in `folder` before they are used; without a judge the first of the order is chosen.
    """
    settings = session.settings.search
    if isinstance(settings, (ZeroShotSettings, StudySettings)) or not settings.rerank:
        return judge
    made = scoring(session, settings.rerank, settings.rerank_batch_size, "data", "default")

    def stop() -> None:
        if session.interrupts.should_stop():
            raise Stopped("stopped while the pool was scored")

    row_of = stored_scorer(made, folder / "rerank.jsonl", stop)

    def ordered(pool: list[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        rows: list[Row] = []
        for candidate in pool:
            rows.append(row_of(candidate.architecture))
            bar.update(len(rows), len(pool), "candidates scored")
        best = reranked(pool, [values_of(row) for row in rows], settings.rerank)
        told = {"reranked_by": ["search", *settings.rerank]}
        if judge is None:
            return best[0].architecture, {"decided_by": "sum of ranks of the search's and training-free scores", **told}
        arch, why = judge(best)
        return arch, {**why, **told}

    return ordered
