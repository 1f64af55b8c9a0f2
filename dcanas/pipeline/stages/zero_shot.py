"""Search by training-free scores: proposals within every device's budget, scored and stored; derive votes again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import Stopped
from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of, plain
from dcanas.basics.machine import keep_freed_memory
from dcanas.costs.feasibility import select_costs
from dcanas.hardware import Device
from dcanas.pipeline.scored import scoring
from dcanas.pipeline.session import Session
from dcanas.proxies.table import stored_scorer, values_of
from dcanas.search.derive import Derived, Selector
from dcanas.search.finalists import Verify
from dcanas.search.pool import Candidate
from dcanas.search.zero_shot.loop import votes_of, zero_shot
from dcanas.search.zero_shot.zero_shot_settings import ZeroShotSettings
from dcanas.spaces import Architecture

DERIVING = ("pool", "finalists", "finalist_epochs")  # settings used after the networks are scored


def zero_shot_key(session: Session) -> str:
    """Return the key of everything that decides which networks are scored, and how."""
    settings = session.settings
    made_with = {name: value for name, value in plain(settings.search).items()
                 if name not in DERIVING}
    return key_of(settings.space, session.skeleton, made_with, settings.seed, settings.data.split_seed,
                  session.dataset.fit_key, {d.name: dict(session.budget(d)) for d in session.devices})


def run_zero_shot(session: Session, folder: Path) -> dict[str, Any]:
    """Return all scored networks, scored now or before; every score is stored before it is used."""
    done = folder / "scores.json"
    if done.exists():
        session.display.say(f"Search: done before ({done})")
        return read_json(done)
    settings = session.settings.search
    assert isinstance(settings, ZeroShotSettings)

    def stop() -> None:
        if session.interrupts.should_stop():
            raise Stopped("stopped after a network")

    keep_freed_memory()
    row_of = stored_scorer(scoring(session, settings.names, settings.batch_size, settings.images,
                                   settings.initialisation), folder / "networks.jsonl", stop)
    rows: dict[Architecture, dict[str, Any]] = {}
    with session.display.stage("Search") as bar, session.interrupts.between_steps():
        for number, device in enumerate(session.devices):

            def tell(count: int, arch: Architecture, before: int = number * settings.evaluations) -> None:
                bar.update(before + count, len(session.devices) * settings.evaluations, "networks scored")

            def score(arch: Architecture) -> dict[str, float]:
                rows[arch] = row_of(arch)
                return values_of(rows[arch])

            zero_shot(session.space, session.budget(device), score, session.costs(device), settings,
                      session.settings.seed, tell)
    found = {"names": list(settings.names), "networks": [
        {"architecture": row["architecture"], "scores": row["scores"], "status": row["status"]}
        for row in rows.values()]}
    write_json(done, found)
    return found


def zero_shot_derived(session: Session, device: Device, found: dict[str, Any], judge: Selector | None,
                      verify: Verify | None) -> Derived:
    """Return the best of the scored networks within a device's budget, by a vote among those.

    judge: chooses among the best; without one the vote decides, and whoever breaks a measured limit is passed over.
    """
    settings, budget, costs = session.settings.search, session.budget(device), session.costs(device)
    assert isinstance(settings, ZeroShotSettings)
    limited = select_costs(costs, budget)
    scored = [(session.space.parse(row["architecture"]), row) for row in found["networks"]]
    within = [(arch, row) for arch, row in scored if all(budget.allows(c.name, c.upper(arch)) for c in limited)]
    if not within:
        raise UserError(f"None of the {len(scored):,} networks scored is within the budget of {device.name}; loosen "
                        "it, or search again under it (without source=).")
    votes = votes_of([values_of(row) for _, row in within], settings.names, settings.aggregate)
    order = sorted(range(len(within)), key=lambda i: -votes[i])
    pool = [Candidate(within[i][0], float(votes[i]), settings.strategy) for i in order[:settings.pool]]
    arch, why = judge(pool) if judge else _best_kept(session, pool, verify)
    told = {c.name: {"value": c.value(arch), "upper": c.upper(arch), "unit": c.unit, "source": c.source} for c in costs}
    scores = next(row["scores"] for other, row in within if other == arch)
    return Derived(arch, told, {"method": f"zero-shot search: {settings.strategy}", "evaluated": len(found["networks"]),
                                "within": len(within), "votes": list(settings.names), "aggregate": settings.aggregate,
                                "scores": scores, "pool": len(pool), **why})


def _best_kept(session: Session, pool: list[Candidate], verify: Verify | None) -> tuple[Architecture, dict[str, Any]]:
    refused: list[dict[str, Any]] = []
    for candidate in pool:
        broken = verify(candidate.architecture) if verify else []
        if not broken:
            return candidate.architecture, {"decided_by": "vote of training-free scores",
                                            "refused_by_measurement": refused}
        refused.append({"architecture": session.space.format(candidate.architecture), "broken": broken})
    names = sorted({name for r in refused for name in r["broken"]})
    raise UserError(f"None of the {len(pool)} best networks keeps {', '.join(names)} when measured; loosen that limit "
                    "or give search.pool more candidates.")
