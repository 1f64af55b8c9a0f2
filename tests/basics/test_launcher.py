"""The place among several processes that the environment states."""

from __future__ import annotations

import pytest

from dcanas.basics.errors import UserError
from dcanas.basics.launcher import Launch, read_launch

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "LOCAL_RANK": "1",
            "LOCAL_WORLD_SIZE": "2"}


@pytest.fixture
def environment(monkeypatch):
    def set_to(values: dict[str, str | None]) -> None:
        for name in TORCHRUN:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            if value is not None:
                monkeypatch.setenv(name, value)
    return set_to


def test_what_torchrun_sets(environment) -> None:
    environment(TORCHRUN)
    assert read_launch() == Launch(rank=3, count=4, local_rank=1, local_count=2)


@pytest.mark.parametrize("left", [{}, {"WORLD_SIZE": ""}, {"WORLD_SIZE": "4"}, {"WORLD_SIZE": "many"},
                                  {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "", "LOCAL_RANK": "x"},
                                  TORCHRUN | {"RANK": None}, TORCHRUN | {"RANK": ""}, TORCHRUN | {"MASTER_ADDR": None}])
def test_what_is_incomplete_is_one_process(environment, left) -> None:
    environment(left)
    assert read_launch() == Launch(0, 1, 0, 1)


def test_local_numbers_may_be_missing(environment) -> None:
    environment(TORCHRUN | {"LOCAL_RANK": "", "LOCAL_WORLD_SIZE": None})
    assert read_launch() == Launch(rank=3, count=4)


@pytest.mark.parametrize(("name", "value"), [("RANK", "4"), ("RANK", "-1"), ("RANK", "one"), ("WORLD_SIZE", "0"),
                                             ("WORLD_SIZE", "4.5"), ("LOCAL_RANK", "4"), ("LOCAL_WORLD_SIZE", "5")])
def test_what_is_no_place_is_said_in_one_sentence(environment, name, value) -> None:
    environment(TORCHRUN | {name: value})
    with pytest.raises(UserError, match=rf"^The environment variable {name} must be a whole number from .*, got "
                                        rf"'{value}'; start with torchrun, .* unset RANK and WORLD_SIZE"):
        read_launch()
