"""Several devices at once: boards side by side, one host and this machine one after the other."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from dcanas.hardware import load_device
from dcanas.hardware.devices.device import Ssh
from dcanas.hardware.transport.parallel import on_all

HERE = load_device("local-cpu")


def at(name, host):
    return dataclasses.replace(HERE, name=name, connection=Ssh(host))


def test_boards_work_side_by_side_and_this_machine_alone():
    both, done = threading.Barrier(2, timeout=20), []

    def action(device):
        if device.connection == "local":
            assert sorted(done) == ["a", "b"]
        else:
            both.wait()  # passes only when two are here at the same time
        done.append(device.name)
        return device.name.upper()

    assert on_all([HERE, at("a", "one"), at("b", "two")], action) == {"a": "A", "b": "B", "local-cpu": "LOCAL-CPU"}


def test_two_profiles_of_one_host_take_turns():
    inside, most = [], []

    def action(device):
        inside.append(device)
        most.append(len(inside))
        inside.pop()

    on_all([at("a", "pi@one"), at("b", "one"), at("c", "root@one")], action)
    assert most == [1, 1, 1]


def test_where_one_fails_the_others_are_finished():
    done = []

    def action(device):
        if device.name == "a":
            raise ValueError("a is broken")
        done.append(device.name)

    with pytest.raises(ValueError, match="a is broken"):
        on_all([at("a", "one"), at("b", "two"), HERE], action)
    assert done == ["b", "local-cpu"]
