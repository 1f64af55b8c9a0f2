"""A study's trials as the history that samplers read."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

from optuna.trial import FrozenTrial, TrialState

from dcanas.search.ask_tell.history import History, Observation
from dcanas.search.ask_tell.parameters import Parameters
from dcanas.spaces import Architecture

POSITION = "position"  # of the proposal, from 0; a trial that is tried again keeps it
RETRY_OF = "retry_of"  # number of the trial whose worker was lost
ATTEMPT = "attempt"
OPEN = (TrialState.RUNNING, TrialState.WAITING)


def valid(trials: Sequence[FrozenTrial], parameters: Parameters) -> list[FrozenTrial]:
    """Return the trials that count, in the order of proposals: none that was tried again, none outside the budget."""
    names = {p.name for p in parameters.parameters}
    again, found = set(), []
    for trial in trials:
        attributes = trial.user_attrs
        if RETRY_OF in attributes:
            again.add(attributes[RETRY_OF])
        if POSITION in attributes and names <= params_of(trial).keys():
            found.append(trial)
    found.sort(key=lambda trial: trial.user_attrs[POSITION])  # Optuna lists them by number, which decides among equals
    return [trial for trial in found if trial.number not in again]


def architecture_of(trial: FrozenTrial, parameters: Parameters) -> Architecture:
    """Return the architecture of a trial, without dead operations."""
    return parameters.space.prune(parameters.from_params(params_of(trial)))


def history_of(trials: Sequence[FrozenTrial], parameters: Parameters,
               finished: MutableMapping[int, Observation] | None = None) -> History:
    """Return the observations of `valid` trials.

    finished: by number, of trials that were read before, which never change; those of others are added.
    """
    observations, pending = [], []
    known: MutableMapping[int, Observation] = {} if finished is None else finished
    for trial in trials:
        if (number := trial.number) not in known:
            arch = architecture_of(trial, parameters)
            if trial.state in OPEN:
                pending.append(arch)
                continue
            values = trial.values if trial.state == TrialState.COMPLETE else None
            feasible = all(excess <= 0 for excess in trial.constraints.values())
            known[number] = Observation(arch, values[0] if values else None, feasible)
        observations.append(known[number])
    return History(tuple(observations), tuple(pending))


def params_of(trial: FrozenTrial) -> dict[str, str]:
    """Return a trial's parameters; those of a waiting trial are in its system attributes."""
    return trial.params or trial.system_attrs.get("fixed_params", {})
