"""A study's trials as history: what was read before is not read again, and nothing changes by that."""

from __future__ import annotations

from grid_space import CODES, GRID
from optuna.trial import FrozenTrial, TrialState, create_trial

from dcanas.search.ask_tell.history import Observation
from dcanas.search.ask_tell.parameters import Parameters
from dcanas.search.ask_tell.trials import POSITION, RETRY_OF, history_of, valid

PARAMETERS = Parameters(GRID)


def trial(number: int, position: int, state: TrialState = TrialState.COMPLETE, **attributes: int) -> FrozenTrial:
    arch = GRID.architecture("".join(map(str, CODES[position])))
    made = create_trial(params=PARAMETERS.params(arch), distributions=PARAMETERS.distributions(), state=state,
                        value=float(position) if state == TrialState.COMPLETE else None,
                        user_attrs={POSITION: position, **attributes})
    made.number = number
    return made


def test_trials_that_count_are_in_the_order_of_proposals() -> None:
    """Trial 1 was tried again as 3, which comes where 1 was; 4 belongs to no proposal."""
    other = create_trial(value=1.0)
    other.number = 4
    trials = [trial(0, 0), trial(1, 1, TrialState.FAIL), trial(2, 2), trial(3, 1, **{RETRY_OF: 1}), other]
    assert [each.number for each in valid(trials, PARAMETERS)] == [0, 3, 2]


def test_what_was_read_before_is_kept_and_what_was_open_is_read_again() -> None:
    finished: dict[int, Observation] = {}
    before = [trial(0, 0), trial(1, 1, TrialState.RUNNING), trial(2, 2, TrialState.FAIL)]
    first = history_of(before, PARAMETERS, finished)
    assert first == history_of(before, PARAMETERS)
    assert ([o.value for o in first.observations], len(first.pending), sorted(finished)) == ([0.0, None], 1, [0, 2])
    after = [trial(0, 0), trial(1, 1), trial(2, 2, TrialState.FAIL), trial(3, 3)]
    second = history_of(after, PARAMETERS, finished)
    assert second == history_of(after, PARAMETERS)
    assert [o.value for o in second.observations] == [0.0, 1.0, None, 3.0]
    assert second.observations[0] is first.observations[0]
