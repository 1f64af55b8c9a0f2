"""Hooks: one object for what long work reports and asks."""

import pytest
from recording import Recording

from dcanas.basics.hooks import QUIET, Part


def test_a_part_reports_its_fraction_of_the_whole():
    whole = Recording(stop_at=1.25)
    part = Part(whole, 1, 4)
    part.progress(2, 8, "epoch 1")
    assert (whole.steps, whole.notes) == ([1.25], ["epoch 1"])
    assert part.should_stop()
    Part(whole, 2, 4, "networks").progress(8, 8, "epoch 3")
    assert (whole.steps[-1], whole.notes[-1]) == (3, "networks")
    assert not part.should_stop()
    part.message("hello")
    part.epoch(8, {"loss": 1.0})
    assert whole.messages == ["hello"]
    assert whole.rows == []  # the step counts within the part


def test_quiet_hooks_accept_everything_and_never_stop():
    with QUIET.stage("Search") as hooks:
        assert hooks.progress(1, 2) is hooks.message("x") is hooks.epoch(1, {}) is None
        assert not hooks.should_stop()
    with pytest.raises(ZeroDivisionError), QUIET.stage("Search"):
        1 / 0  # noqa: B018 (an error passes through)
