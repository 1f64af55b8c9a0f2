"""Search by trials: a study within the limits of all devices, by one worker or many; derive takes its best."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import NSGAIISampler
from optuna.trial import FrozenTrial

from dcanas.basics.errors import UserError
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import derive_seed, plain
from dcanas.cli.display import Bar
from dcanas.costs import Budget, CostModel
from dcanas.costs.feasibility import select_costs
from dcanas.hardware import Device
from dcanas.pipeline.scored import scoring
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.trial_objectives import make_objective
from dcanas.proxies.columns import read_columns
from dcanas.proxies.score_sources import column_sources, network_sources
from dcanas.search.ask_tell import all_samplers  # noqa: F401 (registers them)
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.claims import Claims, worker_name
from dcanas.search.ask_tell.objectives import FACTOR
from dcanas.search.ask_tell.proxy_sources import Asked, ProxySource, Size, select_sources
from dcanas.search.ask_tell.storage import open_engine, open_study, sqlite_url
from dcanas.search.ask_tell.study_settings import StudySettings
from dcanas.search.ask_tell.worker import NSGA2, Worker, summary
from dcanas.search.derive import Derived, Selector
from dcanas.search.feasible import FeasibleMembers
from dcanas.search.finalists import Verify
from dcanas.search.pool import Candidate
from dcanas.spaces import Architecture


def run_study(session: Session, folder: Path, budget: Budget, costs: list[CostModel]) -> dict[str, Any]:
    """Return the study's trials, done now or before; `folder` holds them as `study.json`, and by default its storage.

    costs: the model of every limit in `budget`, which is that of all devices at once.
    """
    done = folder / "study.json"
    if done.exists():
        session.display.say(f"Search: done before ({done})")
        return read_json(done)
    settings = session.settings.search
    assert isinstance(settings, StudySettings)
    worker = make_worker(session, folder, budget, costs)
    with session.display.stage("Search") as bar, session.interrupts.between_steps(), helpers(session):
        worker.on_trial = _teller(session, settings, bar)
        worker.run()
    found = {"budget": dict(budget), "sampler": settings.sampler, **summary(worker.study, worker.parameters)}
    _require_success(found)
    if not session.interrupts.asked:
        _draw(folder / "trials.svg", found["trials"])
        write_json(done, found)
    _tell_failures(session, found)
    return found


def _draw(path: Path, trials: list[dict[str, Any]]) -> None:
    from dcanas.report.figures import canvas, studying  # here: matplotlib takes a second

    path.write_bytes(canvas.svg_file(studying.trials([studying.row_of(trial) for trial in trials], "value")))


def make_worker(session: Session, folder: Path, budget: Budget, costs: list[CostModel]) -> Worker:
    """Return this process's worker; raises `UserError` for a storage, table or limit that cannot be used."""
    settings, space, seed = session.settings.search, session.space, session.settings.seed
    assert isinstance(settings, StudySettings)
    limited = select_costs(costs, budget)
    exact = [cost for cost in limited if cost.source != "predicted"]
    members = FeasibleMembers(space, Budget({c.name: budget[c.name] for c in exact}), costs, seed)
    predicted = [(cost, budget[cost.name]) for cost in limited if cost.source == "predicted"]
    objective = make_objective(session, settings)
    known = {cost.name: cost for cost in (*session.costs(session.devices[0]), *costs)}
    sources = _sources(session, settings, list(known.values()))
    candidates = Candidates(members, settings, sources, objective.identity, predicted)
    engine = open_engine(session.options.storage or sqlite_url(folder / "study.db"))
    name = session.options.name if session.options.storage else "dcanas"
    told = {**_flat(plain(session.settings)), "data": session.dataset.fit_key,
            "limits": {n: round(v, 9) for n, v in budget.items()}}
    pruner = SuccessiveHalvingPruner(settings.first_rung, FACTOR) if settings.first_rung else None
    sampler = NSGAIISampler(population_size=settings.population, seed=derive_seed(seed, NSGA2) % 2 ** 32)
    missing = [name for name in settings.front if name not in known]
    if missing:
        raise UserError(f"search.front names {missing[0]}, of which this run knows nothing (it knows "
                        f"{', '.join(known)}); state a limit on it, so that the device is asked.")
    study = open_study(engine, name, told, ["maximize", *["minimize"] * len(settings.front)], sampler, pruner)
    return Worker(study, Claims(engine, name), candidates, objective, seed, tuple(known.values()), dict(budget),
                  settings.front, should_stop=session.interrupts.should_stop, name=worker_name())


def study_derived(session: Session, device: Device, found: dict[str, Any], judge: Selector) -> Derived:
    """Return the trial within a device's budget that the judge chooses among the best `search.pool` of them."""
    settings, budget, costs = session.settings.search, session.budget(device), session.costs(device)
    assert isinstance(settings, StudySettings)
    limited = select_costs(costs, budget)
    rows = [row for row in found["trials"] if row["state"] == "complete"]
    tried = sorted(((session.space.parse(row["architecture"]), row) for row in rows), key=lambda t: -t[1]["values"][0])
    pool = [Candidate(arch, row["values"][0], found["sampler"]) for arch, row in tried
            if all(budget.allows(c.name, c.upper(arch)) for c in limited)][:settings.pool]
    if not pool:
        raise UserError(f"None of the {len(rows)} trials is within the budget of {device.name}; loosen it, or set "
                        "search.evaluations higher.")
    arch, why = judge(pool)
    told = {c.name: {"value": c.value(arch), "upper": c.upper(arch), "unit": c.unit, "source": c.source} for c in costs}
    row = next(row for other, row in tried if other == arch)
    return Derived(arch, told, {"method": f"study: {found['sampler']}", "trials": found["count"], "within": len(pool),
                                "value": row["values"][0], "chosen_in_trial": row["position"], "why": row.get("why"),
                                **why})


def best_kept(session: Session, verify: Verify | None) -> Selector:
    """Return the judge by the trials' own values, which passes over whoever breaks a limit when measured."""
    def judge(pool: Sequence[Candidate]) -> tuple[Architecture, dict[str, Any]]:
        refused: list[dict[str, Any]] = []
        for candidate in pool:
            broken = verify(candidate.architecture) if verify else []
            if not broken:
                return candidate.architecture, {"decided_by": "value of the trial", "refused_by_measurement": refused}
            refused.append({"architecture": session.space.format(candidate.architecture), "broken": broken})
        names = sorted({name for r in refused for name in r["broken"]})
        raise UserError(f"None of the {len(pool)} trials keeps {', '.join(names)} when measured; loosen that limit or "
                        "set search.evaluations higher.")
    return judge


def _sources(session: Session, settings: StudySettings, costs: list[CostModel]) -> list[ProxySource]:
    """Return the proxies asked for: counted sizes, columns of a table, or scores computed once."""
    space = session.space
    offered: dict[str, ProxySource] = {cost.name: Size(cost) for cost in costs if cost.name in ("params", "macs")}
    wanted = [name for name in settings.proxies if name not in offered and not name.startswith("noise")]
    if settings.scores == "table":
        path = Path(str(settings.score_table)).expanduser()
        names = [name for name in read_columns(path, space) if name not in offered]
        columns = column_sources(space, path, names)
        offered |= {name: Asked(name, space, columns[name], True) for name in names}
    elif wanted:
        made = scoring(session, wanted, settings.batch_size, "data", "default")
        computed = network_sources(made)
        offered |= {name: Asked(name, space, computed[name], False) for name in wanted}
    return select_sources(settings.proxies, offered, session.settings.seed)


@contextmanager
def helpers(session: Session) -> Iterator[None]:
    """Start the other `run.workers` as the same command, one process each, and wait for them at the end."""
    typed = [text for text in shlex.split(session.command)[2:]
             if not text.startswith(("run.workers=", "run.progress=", "run.dir="))]
    command = [sys.executable, "-m", "dcanas", "search", *typed, f"run.dir={session.folder}", "run.workers=1",
               "run.progress=none"]
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
               for _ in range(session.options.workers - 1)]
    try:
        yield
    finally:
        for process in started:
            if session.interrupts.asked:
                process.terminate()
            said = process.communicate()[1]
            if process.returncode not in (0, 130, -15):
                session.display.say(f"  a worker ended early: {(said.strip() or 'killed').splitlines()[-1]}")


def _teller(session: Session, settings: StudySettings, bar: Bar) -> Any:
    def tell(trial: FrozenTrial, done: int) -> None:
        best = trial.values[0] if trial.values else None
        note = f"last {best:.2f}" if best is not None else trial.user_attrs.get("error", trial.state.name.lower())
        bar.update(done, settings.evaluations, note)
        why = trial.user_attrs.get("why", {})
        row = {f"influence/{name}": o["influence"] for name, o in why.get("opinions", {}).items()}
        session.log.write("search", done, {**row, **({"value": best} if best is not None else {})})
    return tell


def _require_success(found: dict[str, Any]) -> None:
    if "complete" not in found["count"]:
        first = next((row["error"] for row in found["trials"] if "error" in row), "nothing was evaluated")
        raise UserError(f"None of the {len(found['trials'])} trials succeeded; the first one: {first.rstrip('.')}.")


def _tell_failures(session: Session, found: dict[str, Any]) -> None:
    failed = [row for row in found["trials"] if row["state"] == "fail"]
    session.display.say("  trials: " + ", ".join(f"{n} {state}" for state, n in found["count"].items()))
    for row in failed:
        session.display.say(f"  failed: {row['architecture']}: {row.get('error', 'its workers were lost')}")


def _flat(settings: dict[str, Any], where: str = "") -> dict[str, Any]:
    """Return the settings by dotted name."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _flat(value, f"{where}{name}.") if isinstance(value, dict) and value else {f"{where}{name}": value}
    return found
