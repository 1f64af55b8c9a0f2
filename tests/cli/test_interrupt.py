"""Signals: each stops as Ctrl-C does, and one that was ignored at the start stays ignored."""

from __future__ import annotations

import os
import signal

import pytest

from dcanas.basics.errors import Stopped
from dcanas.cli.interrupt import SIGNALS, Interrupts, handled, interrupt


@pytest.fixture(autouse=True)
def as_before():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:  # the tests themselves may be run where one is ignored
        signal.signal(number, signal.SIG_DFL)
    yield
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    for number, handler in before.items():
        signal.signal(number, handler)


def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_waits_for_the_step_and_the_second_does_not(number, capsys):
    interrupts = Interrupts()
    with pytest.raises(Stopped, match="after the last step"), interrupts.between_steps():
        send(number)
    assert "Stopping after this step" in capsys.readouterr().err
    interrupts = Interrupts()
    with pytest.raises(KeyboardInterrupt), interrupts.between_steps():
        send(number, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_between_stages_each_stops_at_once(number):
    with pytest.raises(KeyboardInterrupt), handled(interrupt):
        send(number)


def test_what_nohup_ignores_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts = Interrupts()
    with handled(interrupt), interrupts.between_steps():
        send(signal.SIGHUP)
    assert not interrupts.asked
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
