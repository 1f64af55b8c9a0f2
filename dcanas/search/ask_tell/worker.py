"""The loop of one worker on a study: take a trial, run it, report it. Any number of workers share one storage.

Taking and reporting happen one worker at a time (`Claims.turn`), so that every proposal knows what the others are
working on and no trial is reported twice. A worker that dies leaves a claim without a heartbeat: its trial is failed
and tried again. What a trial found is a file before it is reported (`untold`), so a storage that is away, or a worker
that dies before it has told, costs no training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from dcanas.basics.errors import Stopped
from dcanas.basics.hooks import QUIET, Hooks, Part
from dcanas.basics.keys import derive_seed
from dcanas.costs import CostModel
from dcanas.search.ask_tell.candidates import Candidates
from dcanas.search.ask_tell.claims import Claims
from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.objectives import Objective
from dcanas.search.ask_tell.parameters import Parameters
from dcanas.search.ask_tell.patience import FAULTS, Patience
from dcanas.search.ask_tell.sampler_registry import samplers
from dcanas.search.ask_tell.samplers import Sampler
from dcanas.search.ask_tell.trials import (
    ATTEMPT,
    OPEN,
    POSITION,
    RETRY_OF,
    architecture_of,
    history_of,
    params_of,
    valid,
)
from dcanas.search.ask_tell.untold import Untold, finite
from dcanas.search.proposers.new_members import ExhaustedError

NSGA2 = "nsga2"
ATTEMPTS = 3  # of one proposal, after which it counts as failed: it may be what kills its workers
REFUSALS = 200  # proposals of NSGA-II outside the budget, until a random candidate is taken instead
POLL_SECONDS = 0.5
SUMMARISED = ("costs", "seconds", "error", "why", "record", "worker")  # attributes of a trial that `summary` repeats


@dataclass
class Worker:
    """A worker on a study.

    Attributes:
        costs: that every trial records.
        limits: on some of these costs, by name.
        objectives: names of costs that are minimised beside the value (Pareto fronts).
        hooks: receive every trial that this worker reports; asked before each whether to stop.
        name: of the worker, unique among those of the study.
        untold: keeps what the storage does not have yet.
        patience: with a storage that is away.
    """

    study: optuna.Study
    claims: Claims
    candidates: Candidates
    objective: Objective
    seed: int
    _: KW_ONLY
    untold: Untold
    patience: Patience = field(default_factory=Patience)
    costs: tuple[CostModel, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    objectives: tuple[str, ...] = ()
    hooks: Hooks = QUIET
    name: str = ""

    def __post_init__(self) -> None:
        self.parameters = Parameters(self.candidates.space)
        self._observations: dict[int, Observation] = {}  # of finished trials, by number
        self.sampler: Sampler = samplers[self.candidates.settings.sampler](self.candidates)

    def run(self) -> None:
        """Work until the study has all its trials and no worker is running one.

        An exception of the objective fails its trial, and the study continues; `Stopped` hands the trial back and is
        raised, as it is if the hooks ask to stop.
        """
        while True:
            if self.hooks.should_stop():
                raise Stopped("stopped between two trials")
            trial, others = self.patience(self._take_in_turn)
            if trial is not None:
                self._do(trial)
            elif others:
                time.sleep(POLL_SECONDS)  # one of theirs may have to be tried again
            else:
                return

    def _take_in_turn(self) -> tuple[Trial | None, bool]:
        with self.claims.turn():
            return self._take()

    def _take(self) -> tuple[Trial | None, bool]:
        """Return a claimed trial, or None and whether other workers are still running one."""
        trials = self.study.get_trials(deepcopy=False)
        if self._retry_lost(trials):
            trials = self.study.get_trials(deepcopy=False)
        counted = valid(trials, self.parameters)
        self._finished = sum(trial.state not in OPEN for trial in counted)
        states = {trial.state for trial in counted}
        mine = self.claims.of(self.name)
        for running in counted:
            if running.state == TrialState.RUNNING and running.number in mine:  # taken as the storage went away
                return Trial(self.study, running._trial_id), True
        if TrialState.WAITING in states:
            trial = self.study.ask(self.parameters.distributions())
        else:
            try:
                trial = self._propose(counted)
            except ExhaustedError:
                return None, TrialState.RUNNING in states
        self.claims.add(trial.number, self.name)
        return trial, True

    def _retry_lost(self, trials: list[FrozenTrial]) -> bool:
        """Fail running trials whose worker is gone and line them up again; safe to be cut off at any point."""
        alive, begun = self.claims.alive(self.patience.back), self.claims.claimed()
        lost = [t for t in trials if t.state == TrialState.RUNNING and t.number not in alive]
        again = {t.user_attrs.get(RETRY_OF) for t in trials}
        for trial in lost:
            attempt = trial.user_attrs.get(ATTEMPT, 1)
            costs_nothing = trial.number not in begun or self._found_before(trial) is not None
            if (costs_nothing or attempt < ATTEMPTS) and trial.number not in again:
                self._line_up_again(trial, attempt if costs_nothing else attempt + 1)
            self.study.tell(trial.number, state=TrialState.FAIL)
            self.claims.drop(trial.number)
        return bool(lost)

    def _line_up_again(self, trial: FrozenTrial, attempt: int) -> None:
        params = params_of(trial)
        if POSITION in trial.user_attrs and len(params) == len(self.parameters.parameters):
            self.study.enqueue_trial(params, {**trial.user_attrs, RETRY_OF: trial.number, ATTEMPT: attempt})

    def _propose(self, counted: list[FrozenTrial]) -> Trial:
        """Return a new trial; raises `ExhaustedError` if the study has all its trials, or no candidate is left."""
        if len(counted) >= self.candidates.settings.evaluations:
            raise ExhaustedError("the study has all its trials")
        position = 1 + max((t.user_attrs[POSITION] for t in counted), default=-1)
        history = history_of(counted, self.parameters, self._observations)
        rng = np.random.default_rng(derive_seed(self.seed, "proposal", position))
        if self.candidates.settings.sampler == NSGA2:
            trial = self._ask_within(position, history)
            if trial is not None:
                return trial
        proposal = self.sampler.propose(history, rng)
        self.study.enqueue_trial(self.parameters.params(proposal.architecture),
                                 {POSITION: position, "why": proposal.why})
        return self.study.ask(self.parameters.distributions())

    def _ask_within(self, position: int, history: History) -> Trial | None:
        """Ask Optuna's own sampler until it names a candidate; anything else counts as failed and is ignored."""
        space, new = self.candidates.space, self.candidates.new(history)
        for _ in range(REFUSALS):
            trial = self.study.ask(self.parameters.distributions())
            code = self.parameters.from_params(trial.params)
            if not space.is_dead(code):
                arch = space.prune(code)
                if new.allows(arch):
                    trial.set_user_attr("why", {"chosen_by": NSGA2})
                    trial.set_user_attr(POSITION, position)
                    return trial
            self.study.tell(trial, state=TrialState.FAIL)
        return None

    def _found_before(self, trial: Trial | FrozenTrial) -> dict[str, Any] | None:
        """Return what an earlier attempt at this proposal found and could not tell."""
        params = trial.params if isinstance(trial, Trial) else params_of(trial)
        if POSITION not in trial.user_attrs or len(params) != len(self.parameters.parameters):
            return None
        arch = self.candidates.space.prune(self.parameters.from_params(params))
        return self.untold.of(trial.user_attrs[POSITION], self.candidates.space.format(arch))

    def _do(self, trial: Trial) -> None:
        if (found := self._found_before(trial)) is None:
            found = self._evaluate(trial)
            self.untold.keep(trial.user_attrs[POSITION], found)
        frozen, finished = self.patience(lambda: self._report(trial, found))
        self.untold.drop(trial.user_attrs[POSITION])
        if frozen is not None:
            self._show(frozen, finished)

    def _evaluate(self, trial: Trial) -> dict[str, Any]:
        arch = self.candidates.space.prune(self.parameters.from_params(trial.params))
        values: list[float] | None = None
        record: dict[str, Any] = {"architecture": self.candidates.space.format(arch), "worker": self.name,
                                  "costs": {cost.name: float(cost.value(arch)) for cost in self.costs}}
        excess = {cost.name: excess_over(cost.name, float(cost.value(arch)), self.limits[cost.name])
                  for cost in self.costs if cost.name in self.limits and cost.source != "predicted"}
        begin = time.monotonic()
        hooks = Part(self.hooks, self._finished, self.candidates.settings.evaluations)

        with self.claims.beating(trial.number, self.name):
            try:
                value, record["record"] = self.objective(arch, hooks)
                if math.isfinite(value):
                    values = [value, *(record["costs"][name] for name in self.objectives)]
                else:
                    record["error"] = f"the objective returned {value}"
            except Stopped:
                self._hand_back(trial)
                raise
            except Exception as error:  # of one architecture; the others may succeed
                record["error"] = f"{type(error).__name__}: {error}"
        record["seconds"] = round(time.monotonic() - begin, 3)
        found: dict[str, Any] = finite({"architecture": record["architecture"], "values": values, "record": record,
                                        "excess": excess})
        return found

    def _hand_back(self, trial: Trial) -> None:
        """Line a trial up again that was stopped on purpose: it costs no attempt.

        A storage that is away is not waited for: whoever comes next finds a worker that is gone.
        """
        with suppress(*FAULTS), self.claims.turn():
            if self.claims.remove(trial.number, self.name):
                frozen = next(t for t in self.study.get_trials(deepcopy=False) if t.number == trial.number)
                self._line_up_again(frozen, frozen.user_attrs.get(ATTEMPT, 1))
                self.study.tell(trial, state=TrialState.FAIL)

    def _report(self, trial: Trial, found: dict[str, Any]) -> tuple[FrozenTrial | None, int]:
        """Report once, and return the trial and how many have finished; safe to be cut off at any point.

        None for a trial that was given to another worker while this one was thought dead: it is theirs.
        """
        with self.claims.turn():
            trials = self.study.get_trials(deepcopy=False)
            frozen = next(t for t in trials if t.number == trial.number)
            if frozen.state == TrialState.RUNNING:
                if trial.number not in self.claims.of(self.name):
                    return None, 0
                for key, value in found["record"].items():
                    trial.set_user_attr(key, value)
                for name, value in found["excess"].items():
                    trial.set_constraint(name, value)
                frozen = self.study.tell(trial, found["values"],
                                         TrialState.FAIL if found["values"] is None else TrialState.COMPLETE)
                trials = self.study.get_trials(deepcopy=False)
            elif trial.number not in self.claims.of(self.name):
                return None, 0
            self.claims.remove(trial.number, self.name)
            return frozen, sum(t.state not in OPEN for t in valid(trials, self.parameters))

    def _show(self, trial: FrozenTrial, finished: int) -> None:
        value = trial.values[0] if trial.values else None
        note = trial.user_attrs.get("error", trial.state.name.lower()) if value is None else f"last {value:.2f}"
        opinions = trial.user_attrs.get("why", {}).get("opinions", {})
        row = {f"influence/{name}": opinion["influence"] for name, opinion in opinions.items()}
        self.hooks.progress(finished, self.candidates.settings.evaluations, note)
        self.hooks.epoch(finished, row if value is None else {**row, "value": value})


def excess_over(name: str, value: float, limit: float) -> float:
    """Return by what share of the limit a cost exceeds it, at most 0 if it keeps it; `*_min` are lower limits."""
    over = (value - limit) / abs(limit) if limit else value
    return -over if name.endswith("_min") else over


def summary(study: optuna.Study, parameters: Parameters) -> dict[str, Any]:
    """Return the study's trials in order and how many ended in each state, as JSON types."""
    rows = []
    for trial in valid(study.get_trials(deepcopy=False), parameters):
        arch = architecture_of(trial, parameters)
        row: dict[str, Any] = {"position": trial.user_attrs[POSITION], "trial": trial.number,
                               "state": trial.state.name.lower(), "architecture": parameters.space.format(arch),
                               "values": trial.values}
        row |= {key: trial.user_attrs[key] for key in SUMMARISED if key in trial.user_attrs}
        rows.append(row)
    states = [row["state"] for row in rows]
    return {"trials": rows, "count": {state: states.count(state) for state in dict.fromkeys(states)}}
